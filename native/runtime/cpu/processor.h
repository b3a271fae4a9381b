// What the processor is and can do.
#pragma once
#include <string>

#include "runtime/op.h"

namespace kantor {

// Whether processor and operating system run this library's code for isa.
bool supports(Isa isa);
Isa best_isa();
const char* name_of(Isa isa);

// Its brand, for people.
std::string processor_name();

// How many processors this process may use: the affinity mask, and a container's quota rounded up.
int usable_processors();

}  // namespace kantor
