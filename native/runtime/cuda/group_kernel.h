// A kernel that runs small bodies of several instructions side by side, each in blocks of its own: one node of a graph in
// place of one for each. They touch nothing that another of them writes. The bits are those of kernels of their own.
#pragma once
#include "runtime/cuda/recorder.h"

namespace kantor::cuda {

// A group's calls travel in the kernel's arguments, of which CUDA takes 4 KB. (More would save a program that has the most
// of them one node.)
constexpr size_t kGroupBytes = 3600;
constexpr size_t kMostInGroup = 18;

// How much of that a call takes; 0 for one that is not part of a group: the kernel does not have its body, or its blocks
// fill a large GPU alone, where the gain would be small and the arguments are better where a kernel of its own has them.
size_t group_bytes(const BodyCall& call);

struct GroupCall {
  BodyCall call;
  const int64_t* guard;  // null: nothing holds it
};

// Brings the kernel onto the thread's device; before a capture.
void load_group();
void launch_group(const std::vector<GroupCall>& calls, cudaStream_t stream, bool early);

}  // namespace kantor::cuda
