#include "ops/gather/gather.h"
#include "runtime/cuda/device_code.h"

namespace kantor::cuda {

namespace {

template <class From, class To>
struct GatherArguments {
  const From* data;
  const int32_t* indices;
  To* out;
  int count, width, elements;
  float scale, shift;
};

template <class From, class To>
__device__ inline void gather(const GatherArguments<From, To>& a, unsigned block) {
  int i = static_cast<int>(block) * kBlockThreads + static_cast<int>(threadIdx.x);
  if (i >= a.elements) return;
  int row = i / a.width, index = a.indices[row];
  bool inside = index >= 0 && index < a.count;
  From value = inside ? a.data[static_cast<int64_t>(index) * a.width + i % a.width] : From{};
  if constexpr (std::is_same_v<To, int32_t>)
    a.out[i] = inside ? static_cast<int32_t>(value) : -1;
  else
    a.out[i] = inside ? fmaf(static_cast<float>(value), a.scale, a.shift) : __int_as_float(0x7FC00000);
}

template <class From, class To>
__global__ void gather_kernel(const int64_t* guard, GatherArguments<From, To> a) {
  if (!held(guard)) gather(a, blockIdx.x);
}

template <class From, class To>
void enqueue(const Node& node, Recorder& r) {
  const Tensor& data = node.in[0];
  GatherArguments<From, To> a = {data.as<From>(), node.in[1].as<int32_t>(), node.out[0].as<To>(), extent(node, data.dims[0]),
                                 extent(node, data.dims[1]), extent(node, node.out[0].count()), node.attribute_f32(0),
                                 node.attribute_f32(1)};
  r.launch(gather_kernel<From, To>, elementwise(a.elements), a);
}

}  // namespace

void enqueue_gather(const Node& node, Recorder& r) {
  DType from = node.in[0].dtype;
  if (node.out[0].dtype == DType::i32)
    from == DType::u8 ? enqueue<uint8_t, int32_t>(node, r) : enqueue<int32_t, int32_t>(node, r);
  else if (from == DType::u8)
    enqueue<uint8_t, float>(node, r);
  else
    from == DType::i32 ? enqueue<int32_t, float>(node, r) : enqueue<float, float>(node, r);
}

}  // namespace kantor::cuda
