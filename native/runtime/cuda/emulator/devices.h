// Which device a thread uses, which have given up, and what kernels were allowed.
#pragma once
#include <cstddef>

namespace kantor::emulator {

int current_device();  // of the calling thread
bool is_lost(int device);
// How much dynamic shared memory a launch of the kernel may ask for.
size_t dynamic_limit(const void* kernel);
// Notes a launch; the device gives up if it is one too many (Options::lost_after).
void count_launch(int device);

}  // namespace kantor::emulator
