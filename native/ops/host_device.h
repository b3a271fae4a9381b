// KANTOR_HD: a function for the host and for kernels, one implementation for every device.
#pragma once

#if defined(__CUDACC__)
#define KANTOR_HD __host__ __device__
#else
#define KANTOR_HD
#endif
