// Which device a thread uses, and which have given up.
#pragma once

namespace kantor::emulator {

int current_device();  // of the calling thread
bool is_lost(int device);
// Notes a launch; the device gives up if it is one too many (Options::lost_after).
void count_launch(int device);

}  // namespace kantor::emulator
