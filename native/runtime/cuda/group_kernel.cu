#include "runtime/cuda/group_kernel.h"

#include "runtime/cuda/bodies.h"

namespace kantor::cuda {

namespace {

using Bodies = OtherBodies;
constexpr unsigned kMostBlocks = 256;  // of a call
constexpr size_t kWord = sizeof(uint32_t);

struct GroupMember {
  const int64_t* guard;
  unsigned body;          // its number
  unsigned first;         // of the group's blocks
  unsigned blocks;        // of the body's own, which may be warps
  unsigned short at, words;  // where its arguments lie, and how many words they are
};

struct Group {
  GroupMember members[kMostInGroup];
  uint32_t words[kGroupBytes / kWord];
  unsigned count;
};

// A function of its own for each body, as in the persistent kernel. Shared memory begins with the arguments.
template <class Body>
KANTOR_NOINLINE __device__ void run_member(unsigned block, unsigned blocks) {
  KANTOR_DYNAMIC_SHARED(std::byte, memory);
  const auto& arguments = *reinterpret_cast<const typename Body::Arguments*>(memory);
  using Shared = typename Body::Shared;
  if constexpr (Body::kThreads == kWarp) {
    Shared none;
    unsigned warp = block * (kBlockThreads / kWarp) + threadIdx.x / kWarp;
    if (warp < blocks) Body::run(arguments, warp, none);
  } else if constexpr (std::is_empty_v<Shared>) {
    static_assert(Body::kThreads == kBlockThreads);
    Shared none;
    Body::run(arguments, block, none);
  } else {
    static_assert(Body::kThreads == kBlockThreads);
    Body::run(arguments, block, *reinterpret_cast<Shared*>(memory + kBodyArgumentBytes));
  }
}

__global__ void __launch_bounds__(kBlockThreads, 1) group_kernel(const __grid_constant__ Group group) {
  KANTOR_DYNAMIC_SHARED(uint32_t, arguments);
  unsigned m = 0;
  while (m + 1 < group.count && blockIdx.x >= group.members[m + 1].first) ++m;
  const GroupMember& member = group.members[m];
  // The kernel's arguments are there before the kernels in front of it have ended.
  for (unsigned i = threadIdx.x; i < member.words; i += kBlockThreads) arguments[i] = group.words[member.at + i];
  __syncthreads();
  if (starts(member.guard))
    with_body<Bodies, 0, Bodies::kCount>(member.body, [&]<class Body>(std::type_identity<Body>) {
      run_member<Body>(blockIdx.x - member.first, member.blocks);
    });
}

size_t word_count(const BodyCall& call) { return (call.arguments.size() + kWord - 1) / kWord; }

LaunchShape shape(unsigned blocks) { return {blocks, kBlockThreads, kBodyArgumentBytes + Bodies::kSharedBytes}; }

}  // namespace

size_t group_bytes(const BodyCall& call) {
  bool fits = call.blocks <= kMostBlocks && Bodies::number(call.body) >= 0;
  return fits ? word_count(call) * kWord : 0;
}

void load_group() { load(reinterpret_cast<const void*>(group_kernel), shape(1)); }

void launch_group(const std::vector<GroupCall>& calls, cudaStream_t stream, bool early) {
  Group group = {};
  unsigned blocks = 0;
  size_t at = 0;
  for (const GroupCall& c : calls) {
    auto body = static_cast<unsigned>(Bodies::number(c.call.body));
    size_t words = word_count(c.call);
    group.members[group.count++] = {c.guard, body, blocks, c.call.blocks, static_cast<unsigned short>(at),
                                    static_cast<unsigned short>(words)};
    std::memcpy(group.words + at, c.call.arguments.data(), c.call.arguments.size());
    at += words;
    constexpr unsigned kWarps = kBlockThreads / kWarp;
    blocks += Bodies::kThreads[body] == kWarp ? (c.call.blocks + kWarps - 1) / kWarps : c.call.blocks;
  }
  LaunchShape all = shape(blocks);
  all.early = early;
  launch(group_kernel, all, stream, group);
}

}  // namespace kantor::cuda
