// What the nodes of a graph are, and in which order they come.
#pragma once
#include "runtime/schedule.h"

namespace kantor::cuda {

// How much a node of several instructions takes at most.
struct NodeLimits {
  size_t bytes, members;
};

// The instructions of each node. An instruction comes after all that it depends on: those in front of it in the program that
// write what it touches or read what it writes; those of one node do not depend on each other. bytes[i]: what instruction i
// takes of a node of several, 0 if it has a node of its own. Such nodes come as soon as they can, and the others when none
// of them can: by then most has gathered that can share a node.
std::vector<std::vector<int>> make_nodes(const std::vector<Footprint>& instructions, const std::vector<size_t>& bytes,
                                         const NodeLimits& limits);

}  // namespace kantor::cuda
