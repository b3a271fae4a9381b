#include "ops/pointwise/pointwise_eval.h"

#include <array>
#include <limits>

namespace kantor::KANTOR_ISA {
namespace {

constexpr int kForever = std::numeric_limits<int>::max();

void gather(const PwArguments& s) {
  for (int64_t r = 0; r < s.rows; ++r)
    for (int64_t c = 0; c < s.cols; ++c)
      s.target[r * s.target_stride + c] = s.source[0][r * s.source_stride[0] + c * s.source_column_stride];
}

}  // namespace

// Turns registers into values that are written once, decides where each value lies, and writes the steps.
class PwKernel::Builder {
 public:
  Builder(PwKernel* kernel, const PwProgram& program, const Tensor* operands, const Tensor* outputs, Options options)
      : kernel_(*kernel), program_(program), operands_(operands), outputs_(outputs), options_(options) {}

  void build() {
    name_values();
    fuse_values();
    place_values();
    for (size_t at = 0; at < program_.code.size(); ++at) emit(static_cast<int>(at));
    if (options_.result < 0) return;
    if (!options_.result_to) kernel_.result_ = spread_to_tile(result_);
    else if (!made_in_place(result_)) copy_step(values_[result_], kTile, kResult);
  }

 private:
  struct Value {
    Pw op{};                       // what computes it
    PwFused fused = PwFused::none;
    float imm = 0;
    int source[3] = {-1, -1, -1};  // the values that this reads
    bool absorbed = false;         // its one user computes it
    Extent extent{};
    int defined = 0;    // the index of its instruction
    int last_use = 0;
    std::vector<int> uses;
    bool in_memory = false;  // can be read where it already lies: an operand, the accumulator, a constant
    int output = -1;         // in memory: the output in the same memory; computed: the output to compute it in
    int buffer = -1;         // the buffer it holds
    Location at;
  };
  static constexpr Extent kTile{true, true};
  static constexpr Location kResult{kResultPlace, 0, kResultStride};

  static Extent join(Extent a, Extent b) { return {a.by_row || b.by_row, a.by_col || b.by_col}; }
  static bool fills_tile(const Value& v) { return v.extent.by_row && v.extent.by_col; }
  // Whether a value is computed right where run_to wants the result.
  bool made_in_place(int value) const {
    const Value& v = values_[value];
    return options_.result_to && value == result_ && sources_of(v.op) > 0 && fills_tile(v) &&
           v.output < 0;
  }

  void name_values() {
    int current[kRegisters] = {};
    for (size_t i = 0; i < program_.code.size(); ++i) {
      const PwInstruction& code = program_.code[i];
      int at = static_cast<int>(i);
      Value v;
      v.defined = at;
      v.op = code.op;
      v.imm = code.imm;
      int registers[3] = {code.a, code.b, code.dst};
      for (int k = 0; k < sources_of(code.op); ++k) {
        int source = v.source[k] = current[registers[k]];
        values_[source].uses.push_back(at);
        v.extent = join(v.extent, values_[source].extent);
      }
      switch (code.op) {
        case Pw::input: describe_operand(code.a, &v); break;
        case Pw::accumulator:
          v.extent = kTile;
          v.in_memory = true;
          v.output = options_.accumulator_output;
          v.at = {kAccumulatorPlace, 0, kAccumulatorStride};
          break;
        case Pw::constant:
          v.in_memory = true;
          v.at = {kConstantsPlace, static_cast<int>(kernel_.constants_.size()), 0};
          kernel_.constants_.push_back(code.imm);
          break;
        default: break;
      }
      values_.push_back(std::move(v));
      if (code.op != Pw::store) current[code.dst] = at;
    }
    if (options_.result >= 0) {
      result_ = current[options_.result];
      values_[result_].uses.push_back(kForever);
    }
  }

  // Lets a value be computed together with one that it alone reads.
  void fuse_values() {
    for (Value& v : values_) {
      if (v.op == Pw::add) {
        for (int k = 0; k < 2 && v.op == Pw::add; ++k) {
          const Value* product = absorbable(v, v.source[k]);
          if (product == nullptr || product->op != Pw::mul || product->fused != PwFused::none) continue;
          v.op = Pw::mul_add;
          absorb(v, v.source[k], {product->source[0], product->source[1], v.source[1 - k]});
        }
      } else if (v.op == Pw::relu || v.op == Pw::leaky_relu) {
        const Value* sum = absorbable(v, v.source[0]);
        if (sum == nullptr || (sum->op != Pw::add && sum->op != Pw::mul_add) || sum->fused != PwFused::none) continue;
        v.fused = v.op == Pw::relu ? PwFused::relu : PwFused::leaky_relu;
        v.op = sum->op;
        absorb(v, v.source[0], {sum->source[0], sum->source[1], sum->source[2]});
      } else if (v.op == Pw::mul) {
        for (int k = 0; k < 2 && v.fused == PwFused::none; ++k) {
          const Value* mask = absorbable(v, v.source[k]);
          if (mask == nullptr || (mask->op != Pw::step && mask->op != Pw::leaky_mask)) continue;
          v.fused = PwFused::mask;
          v.imm = mask->op == Pw::step ? 0 : mask->imm;
          absorb(v, v.source[k], {v.source[1 - k], mask->source[0], -1});
        }
      }
    }
    for (Value& v : values_) {
      std::sort(v.uses.begin(), v.uses.end());
      v.last_use = v.uses.empty() ? v.defined : v.uses.back();
    }
  }

  // A source that only v reads, once, and that like v is computed for a whole tile; else null.
  const Value* absorbable(const Value& v, int source) const {
    const Value& s = values_[source];
    return s.uses.size() == 1 && sources_of(s.op) > 0 && fills_tile(s) && fills_tile(v) ? &s : nullptr;
  }

  void absorb(Value& v, int source, std::array<int, 3> sources) {
    Value& s = values_[source];
    s.absorbed = true;
    s.uses.clear();
    for (int k = 0; k < 3; ++k) {
      v.source[k] = sources[k];
      if (sources[k] >= 0)
        for (int& use : values_[sources[k]].uses)
          if (use == s.defined) use = v.defined;
    }
  }

  void describe_operand(int k, Value* v) {
    PwOperand o = program_.operands[k];
    const int64_t rows = program_.rows, cols = program_.cols;
    if (program_.elementwise(k)) {
      o = {rows, cols, 1};
      v->extent = kTile;
    } else {
      v->extent = {rows > 1 && o.period > 1 && o.row_stride != 0, cols > 1 && o.col_stride != 0};
    }
    auto [by_row, by_col] = v->extent;
    if (!by_row) o.row_stride = 0;
    if (!by_col) o.col_stride = 0;
    v->in_memory = by_col ? o.col_stride == 1 : !by_row || o.row_stride == 1;
    v->at = {kBuffers + k, 0, o.row_stride};
    for (int output = 0; output < program_.stores; ++output)
      if (outputs_[output].data == operands_[k].data) v->output = output;
    const int64_t period = by_row && o.period < rows ? o.period : 0;
    const Memory memory{kBuffers + k, operands_[k].f32(), period, o.row_stride, o.col_stride};
    for (const Memory& known : kernel_.memory_)
      if (known.place == memory.place) return;
    kernel_.memory_.push_back(memory);
  }

  // Copies of what a store would overwrite too early, and stores without a copy.
  void place_values() {
    for (size_t s = 0; s < program_.code.size(); ++s) {
      const PwInstruction& code = program_.code[s];
      if (code.op != Pw::store) continue;
      const int store = static_cast<int>(s), output = code.b;
      for (Value& v : values_)
        if (v.in_memory && v.output == output && v.defined < store && v.last_use > store) v.in_memory = false;

      Value& stored = values_[values_[s].source[0]];
      if (sources_of(stored.op) == 0 || !fills_tile(stored) || stored.output >= 0) continue;
      bool free = true;  // nobody reads the old contents between the computation and the store
      for (const Value& v : values_) {
        if (sources_of(v.op) != 0 || v.output != output) continue;
        if (v.in_memory) {
          for (int use : v.uses) free = free && !(use > stored.defined && use <= store);
        } else {
          free = free && !(v.defined > stored.defined && v.defined < store);
        }
      }
      if (free) stored.output = output;
    }
    kernel_.memory_.reserve(kernel_.memory_.size() + program_.stores);
    for (int output = 0; output < program_.stores; ++output)
      kernel_.memory_.push_back({kBuffers + kMaxPwOperands + output, outputs_[output].f32(), 0, program_.cols, 1});
  }

  void emit(int at) {
    Value& v = values_[at];
    if (v.op == Pw::store) {
      const Value& stored = values_[v.source[0]];
      const int output = program_.code[at].b;
      const bool computed_there = sources_of(stored.op) != 0 && stored.output == output;
      if (!computed_there) copy_step(stored, kTile, output_location(output));
    } else if (sources_of(v.op) == 0) {
      if (!v.in_memory && v.last_use > at) load_into_buffer(v.op, &v);
    } else if (!v.absorbed) {
      const Value* sources[3] = {};
      for (int k = 0; k < sources_of(v.op); ++k) sources[k] = &values_[v.source[k]];
      if (v.output >= 0) v.at = output_location(v.output);
      else if (made_in_place(at)) v.at = kResult;
      else take_buffer(&v);
      step(v.op, v.fused, {sources[0], sources[1], sources[2]}, v.extent, v.at, v.imm);
    }
    for (int i = 0; i <= at; ++i)
      if (values_[i].last_use <= at) release_buffer(&values_[i]);
  }

  void load_into_buffer(Pw op, Value* v) {
    Value source = *v;
    take_buffer(v);
    const auto [by_row, by_col] = v->extent;
    int64_t col_stride = 1;
    if (op == Pw::input) {
      for (const Memory& m : kernel_.memory_)
        if (m.place == source.at.place) col_stride = by_col ? m.col_stride : m.row_stride;
    }
    copy_step(source, v->extent, v->at);
    if (col_stride != 1) {
      kernel_.steps_.back().function = gather;
      kernel_.steps_.back().source_column_stride = col_stride;
    }
  }

  void copy_step(const Value& source, Extent extent, Location target) {
    step(Pw::input, PwFused::none, {&source}, extent, target, 0);
  }

  void step(Pw op, PwFused fused, std::initializer_list<const Value*> sources, Extent extent, Location target,
            float imm) {
    Step s{};
    bool spread[3] = {};
    int k = 0;
    for (const Value* source : sources) {
      if (source == nullptr) break;
      spread[k] = extent.by_col ? !source->extent.by_col : extent.by_row && !source->extent.by_row;
      s.source[k++] = source->at;
    }
    for (int rest = k; rest < 3; ++rest) s.source[rest] = s.source[0];
    s.function = pw_function(op, fused, spread);
    s.target = target;
    s.extent = extent;
    s.imm = imm;
    kernel_.steps_.push_back(s);
  }

  Location spread_to_tile(int value) {
    if (fills_tile(values_[value])) return values_[value].at;
    Value spread;
    spread.extent = kTile;
    take_buffer(&spread);
    copy_step(values_[value], kTile, spread.at);
    return spread.at;
  }

  Location output_location(int output) const { return {kBuffers + kMaxPwOperands + output, 0, program_.cols}; }
  void take_buffer(Value* v) {
    v->buffer = 0;
    while (taken_[v->buffer]) ++v->buffer;
    taken_[v->buffer] = true;
    const auto [by_row, by_col] = v->extent;
    v->at = {v->buffer, 0, by_row && by_col ? kTileStride : by_row ? 1 : 0};
  }
  void release_buffer(Value* v) {
    if (v->buffer >= 0) taken_[v->buffer] = false;
    v->buffer = -1;
  }

  PwKernel& kernel_;
  const PwProgram& program_;
  const Tensor* operands_;
  const Tensor* outputs_;
  Options options_;
  std::vector<Value> values_;     // by instruction; a store's is empty
  int result_ = -1;
  bool taken_[kBuffers] = {};
};

PwKernel::PwKernel(const PwProgram& program, const Tensor* operands, const Tensor* outputs, Options options)
    : rows_(program.rows), cols_(program.cols) {
  bool flat = options.flatten;
  for (size_t k = 0; k < program.operands.size(); ++k) {
    const PwOperand& o = program.operands[k];
    const bool scalar = (o.period == 1 || o.row_stride == 0) && o.col_stride == 0;
    flat = flat && (scalar || program.elementwise(k));
  }
  if (flat) {
    PwProgram line = program;
    cols_ = line.cols = rows_ * cols_;
    rows_ = line.rows = 1;
    for (size_t k = 0; k < line.operands.size(); ++k) {
      if (program.elementwise(k)) line.operands[k] = {1, cols_, 1};
      else line.operands[k] = {1, 0, 0};
    }
    Builder(this, line, operands, outputs, options).build();
  } else {
    Builder(this, program, operands, outputs, options).build();
  }
}

void PwKernel::enter(Frame& frame, int64_t accumulator_stride) const {
  for (int i = 0; i < kBuffers; ++i) frame.place[i] = frame.buffer[i];
  frame.place[kConstantsPlace] = const_cast<float*>(constants_.data());
  frame.accumulator_stride = accumulator_stride;
}

void PwKernel::evaluate(Frame& frame, const Area& area, const Area& tile, const float* accumulator) const {
  for (const Memory& m : memory_) {
    int64_t row = m.period > 0 ? tile.row % m.period : tile.row;
    frame.place[m.place] = m.data + row * m.row_stride + tile.col * m.col_stride;
  }
  if (accumulator != nullptr) {
    int64_t offset = (tile.row - area.row) * frame.accumulator_stride + (tile.col - area.col);
    frame.place[kAccumulatorPlace] = const_cast<float*>(accumulator) + offset;
  }
  frame.tile_stride = (tile.cols + kWidth - 1) / kWidth * kWidth;
  PwArguments arguments;
  for (const Step& s : steps_) {
    for (int k = 0; k < 3; ++k) {
      arguments.source[k] = address(s.source[k], frame);
      arguments.source_stride[k] = stride(s.source[k], frame);
    }
    arguments.source_column_stride = s.source_column_stride;
    arguments.target = address(s.target, frame);
    arguments.target_stride = stride(s.target, frame);
    arguments.rows = s.extent.by_row && s.extent.by_col ? tile.rows : 1;
    arguments.cols = s.extent.by_col ? tile.cols : s.extent.by_row ? tile.rows : 1;
    arguments.imm = s.imm;
    s.function(arguments);
  }
}

}  // namespace kantor::KANTOR_ISA
