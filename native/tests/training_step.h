// A whole training iteration of a small critic as one program: data gathered and noise drawn, forward, loss, gradients,
// penalty, guard, update, metrics.
#pragma once
#include <doctest/doctest.h>

#include <optional>

#include "ops/optimizer/optimizer.h"
#include "ops/reduce/reduce.h"
#include "pointwise_program.h"

namespace kantor::test {

inline constexpr int64_t kBatch = 8, kPixels = 12, kLatent = 5, kHidden = 7, kImages = 50, kRing = 4;
inline constexpr int64_t kMetrics = 1 + 1 + 4;  // loss, penalty, norms

// Leaky ReLU of the accumulator and a bias a column.
inline const std::vector<PwInstruction> kBiasLeaky = {{Pw::accumulator, 0, 0, 0, 0},
                                                      {Pw::input, 1, 0, 0, 0},
                                                      {Pw::add, 0, 0, 1, 0},
                                                      {Pw::leaky_relu, 0, 0, 0, 0.2f},
                                                      {Pw::store, 0, 0, 0, 0}};
inline const std::vector<PwInstruction> kBiasTanh = {{Pw::accumulator, 0, 0, 0, 0},
                                                     {Pw::input, 1, 0, 0, 0},
                                                     {Pw::add, 0, 0, 1, 0},
                                                     {Pw::tanh, 0, 0, 0, 0},
                                                     {Pw::store, 0, 0, 0, 0}};
inline const std::vector<PwInstruction> kTimesMask = {{Pw::accumulator, 0, 0, 0, 0},
                                                      {Pw::input, 1, 0, 0, 0},
                                                      {Pw::leaky_mask, 1, 1, 0, 0.2f},
                                                      {Pw::mul, 0, 0, 1, 0},
                                                      {Pw::store, 0, 0, 0, 0}};

class TrainingStep {
 public:
  using Operand = ProgramBuilder::Operand;

  TrainingStep() {
    builder_.fault_slot = 0;
    slot(i64({4}));
    Operand counter = slot(i64({1})), seed = slot(i64({1}, {42})), step = slot(i64({1}));
    Operand hyper = slot(f32({8}, {1e-2, 0.5, 0.9, 1e-8, 0, 0, 0, 0}));
    Operand data = slot(random(DType::u8, {kImages, kPixels}, 1, 0, 256)), ring = slot(f32({kRing, kMetrics}));
    Operand generator = slot(random({kLatent, kPixels}, 2)), shift = slot(random({kPixels}, 3));
    Operand w1 = slot(random({kHidden, kPixels}, 4)), b1 = slot(random({kHidden}, 5)), w2 = slot(random({kHidden, 1}, 6));

    Operand indices = arena(DType::i32, {kBatch}), noise = arena(DType::f32, {kBatch, kLatent});
    Operand both = arena(DType::f32, {2 * kBatch, kPixels}), hidden = arena(DType::f32, {2 * kBatch, kHidden});
    Operand scores = arena(DType::f32, {2 * kBatch, 1}), d_scores = arena(DType::f32, {2 * kBatch, 1});
    builder_.instruction("batch_indices", {seed, counter}, {indices}, {kImages, 1, 0});
    builder_.instruction("gather", {data, indices}, {half(both, 1)}, {bits(2.0f / 255), bits(-1)});
    builder_.instruction("normal", {seed, counter}, {noise}, {3, 1, 0});
    gemm(noise, false, generator, false, {shift}, {{1, 0, 1}}, kBiasTanh, half(both, 0));
    gemm(both, false, w1, true, {b1}, {{1, 0, 1}}, kBiasLeaky, hidden);
    gemm(hidden, false, w2, false, {}, {}, {}, scores);

    // loss = mean of the fakes' scores - mean of the real ones'
    Operand fake = arena(DType::f32, {1}), real = arena(DType::f32, {1}), loss = arena(DType::f32, {1});
    reduce(ReduceKind::all, half(scores, 0), 1.0f / kBatch, fake);
    reduce(ReduceKind::all, half(scores, 1), 1.0f / kBatch, real);
    pointwise(1, 1, {fake, real}, {{1, 0, 0}, {1, 0, 0}}, {{Pw::input, 0, 0, 0, 0}, {Pw::input, 1, 1, 0, 0},
                                                           {Pw::sub, 0, 0, 1, 0}, {Pw::store, 0, 0, 0, 0}}, loss);
    for (int which : {0, 1})
      pointwise(kBatch, 1, {}, {}, {{Pw::constant, 0, 0, 0, (which == 0 ? 1.0f : -1.0f) / kBatch},
                                    {Pw::store, 0, 0, 0, 0}}, half(d_scores, which));

    Operand g_w2 = like(w2), d_hidden = like(hidden), g_w1 = like(w1), g_b1 = like(b1), d_both = like(both);
    gemm(hidden, true, d_scores, false, {}, {}, {}, g_w2);
    gemm(d_scores, false, w2, true, {hidden}, {{2 * kBatch, kHidden, 1}}, kTimesMask, d_hidden);
    gemm(d_hidden, true, both, false, {}, {}, {}, g_w1);
    reduce(ReduceKind::columns, d_hidden, 1, g_b1);
    gemm(d_hidden, false, w1, false, {}, {}, {}, d_both);
    Operand penalty = arena(DType::f32, {1}), rows = arena(DType::f32, {2 * kBatch}), norms = arena(DType::f32, {4});
    builder_.instruction("row_penalty", {d_both}, {penalty, like(both), rows}, {bits(10), bits(1), 0});
    builder_.instruction("gradient_norms", {counter, g_w1, g_b1, g_w2}, {norms, {0, DType::i64, 0, {4}}}, {0});

    std::vector<Operand> states = {step};
    for (const Operand& parameter : {w1, b1, w2}) {
      states.push_back(parameter);
      for (int moment = 0; moment < 2; ++moment) states.push_back(slot(f32(parameter.dims)));
    }
    builder_.instruction("optimizer", {hyper, g_w1, g_b1, g_w2}, states,
                         {static_cast<int64_t>(OptimizerKind::adam), 3, 0, 0, 0, 0}, true);
    builder_.instruction("ring_write", {counter, loss, penalty, norms}, {ring}, {}, true);
    builder_.instruction("counter_add", {}, {counter}, {1}, true);
  }

  // All slots after runs of so many iterations, of which the last ends with this status.
  std::vector<Value> run(const std::string& name, int threads, const std::vector<int>& runs, kt_status want = KT_OK,
                         double learning_rate = 1e-2) const {
    OnDevice on(*this, name, threads, learning_rate);
    for (size_t i = 0; i < runs.size(); ++i)
      CHECK_EQ(kt_program_run(on.program->handle, runs[i], nullptr), i + 1 < runs.size() ? KT_OK : want);
    std::vector<Value> after;
    for (size_t i = 0; i < slots_.size(); ++i) after.push_back(on.memories[i].read(slots_[i]));
    return after;
  }

  // The program with its slots on a device.
  struct OnDevice {
    OnDevice(const TrainingStep& step, const std::string& name, int threads, double learning_rate = 1e-2)
        : device(name, threads) {
      std::vector<kt_memory*> handles;
      for (const Value& v : step.slots_) {
        memories.emplace_back(device, v);
        handles.push_back(memories.back().handle);
      }
      Value hyper = step.slots_[4];
      hyper.set(0, learning_rate);
      memories[4].write(hyper);
      program.emplace(device, step.builder_.bytes(), handles);
    }
    Device device;
    std::vector<Memory> memories;
    std::optional<Program> program;
  };

 private:
  Operand slot(const Value& value) {
    slots_.push_back(value);
    return {builder_.slot(value.dtype, value.bytes.size()), value.dtype, 0, value.dims};
  }
  Operand arena(DType dtype, std::vector<int64_t> dims) {
    uint64_t at = builder_.arena_bytes, bytes = Value(dtype, dims).bytes.size();
    builder_.arena_bytes += (bytes + 63) / 64 * 64;
    return {0xFFFFFFFF, dtype, at, std::move(dims)};
  }
  Operand like(const Operand& other) { return arena(other.dtype, other.dims); }
  static Operand half(Operand whole, int which) {
    whole.dims[0] /= 2;
    whole.offset += static_cast<uint64_t>(which) * Value(whole.dtype, whole.dims).bytes.size();
    return whole;
  }
  void gemm(const Operand& a, bool transpose_a, const Operand& b, bool transpose_b, const std::vector<Operand>& operands,
            const std::vector<PwOperand>& places, const std::vector<PwInstruction>& epilogue, const Operand& out) {
    std::vector<Operand> in = {a, b};
    in.insert(in.end(), operands.begin(), operands.end());
    PwText text{out.dims[0], out.dims[1], places, 1, epilogue};
    builder_.instruction("gemm", in, {out}, text.attributes({transpose_a, transpose_b}));
  }
  void reduce(ReduceKind kind, const Operand& x, float scale, const Operand& out) {
    PwText text{x.dims[0], x.dims[1], {{x.dims[0], x.dims[1], 1}}, 0, {{Pw::input, 0, 0, 0, 0}}};
    builder_.instruction("reduce", {x}, {out}, text.attributes({static_cast<int64_t>(kind), bits(scale), 0, 1}));
  }
  void pointwise(int64_t rows, int64_t cols, const std::vector<Operand>& in, const std::vector<PwOperand>& places,
                 const std::vector<PwInstruction>& code, const Operand& out) {
    builder_.instruction("pointwise", in, {out}, PwText{rows, cols, places, 1, code}.attributes());
  }

  ProgramBuilder builder_;
  std::vector<Value> slots_;
};

}  // namespace kantor::test
