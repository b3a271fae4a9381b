// cooperative_groups::this_grid(), for kernels of cooperative launches. A header of its own, since nvcc takes over a second
// for it.
#pragma once
#include "runtime/cuda/device.h"

#if defined(__CUDACC__)
#include <cooperative_groups.h>
#endif
