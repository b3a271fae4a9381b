// engine=cudnn on the emulated device, by the doubles in libraries/: how the libraries are found and what is said where that
// fails; what is left to Kantor's kernels; that nothing but kernels of ours writes state. The case tables of gemm_test.cpp and
// conv_test.cpp run with the engine as well (CMakeLists.txt).
#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "support.h"
#include "training_step.h"

using namespace kantor;
using namespace kantor::test;

namespace {

constexpr const char* kEngine = "cuda-emulated+cudnn";

class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    setenv(name, value.c_str(), 1);
  }
  ~Variable() { before_.empty() ? unsetenv(name_) : setenv(name_, before_.c_str(), 1); }

 private:
  const char* name_;
  std::string before_;
};
struct Doubles : Variable {
  Doubles() : Variable("KANTOR_CUDA_LIBRARY_PATH", std::string("/nowhere:") + KANTOR_DOUBLES) {}
};

std::string refusal(const char* name) {
  kt_device* device = nullptr;
  kt_status status = kt_device_open(name, 1, &device);
  if (status == KT_OK) {
    kt_device_close(device);
    return "";
  }
  CHECK((status == KT_UNSUPPORTED || status == KT_INVALID_ARGUMENT));
  return kt_error_message();
}

void expect(const std::string& text, const char* part) { CHECK_MESSAGE(text.find(part) != std::string::npos, text); }

std::string described(const Program& program) {
  std::string text(1 << 16, '\0');
  REQUIRE_EQ(kt_program_describe(program.handle, text.data(), text.size(), nullptr), KT_OK);
  return text.c_str();
}

ProgramBuilder::Operand in_slot(uint32_t slot, std::vector<int64_t> dims) { return {slot, DType::f32, 0, std::move(dims)}; }

// C [2, 4] = A [2, 3] * B [3, 4], in slots 0 to 2.
struct Product {
  explicit Product(const char* name) : device(name, 1) {
    for (const Value& v : {random({2, 3}, 1), random({3, 4}, 2), f32({2, 4}, {1, 2, 3, 4, 5, 6, 7, 8})}) {
      memories.emplace_back(device, v);
      slots.push_back(memories.back().handle);
      builder.slot(DType::f32, v.bytes.size());
    }
  }
  void add(bool guarded, Precision precision = Precision::fp32) {
    builder.instruction("gemm", {in_slot(0, {2, 3}), in_slot(1, {3, 4})}, {in_slot(2, {2, 4})}, {0, 0, 2, 4, 0, 1, 0}, guarded,
                        precision);
  }
  Value result() const { return memories[2].read(f32({2, 4})); }

  Device device;
  std::vector<Memory> memories;
  std::vector<kt_memory*> slots;
  ProgramBuilder builder;
};

OpCase convolution(Precision precision) {
  OpCase c = {"conv2d", {random({1, 2, 5, 5}, 1), random({3, 2, 3, 3}, 2)}, {f32({1, 3, 5, 5})},
              {1, 1, 1, 1, 1, 1, -1, 3, 25, 0, 1, 0}};
  c.precision = precision;
  return c;
}

}  // namespace

TEST_CASE("libraries that are not there are named, with where they were looked for and how to come by them") {
  {
    Variable path("KANTOR_CUDA_LIBRARY_PATH", "/nowhere:/nor/here");
    std::string text = refusal(kEngine);
    for (const char* part : {"engine=cudnn needs cuBLAS", "libcublas.so.13", "/nowhere, /nor/here", "nvidia-cudnn-cu1",
                             "KANTOR_CUDA_LIBRARY_PATH"})
      expect(text, part);
  }
  std::filesystem::path folder = std::filesystem::temp_directory_path() / ("kantor-engine-" + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  Variable path("KANTOR_CUDA_LIBRARY_PATH", folder.string());
  std::filesystem::create_symlink(std::string(KANTOR_DOUBLES) + "/libcublas.so.12", folder / "libcublas.so.12");
  expect(refusal(kEngine), "engine=cudnn needs cuDNN");
  std::filesystem::create_symlink("/proc/self/maps", folder / "libcudnn.so.9");
  expect(refusal(kEngine), "engine=cudnn: cuDNN cannot be loaded");
  std::filesystem::remove(folder / "libcudnn.so.9");
  std::filesystem::create_symlink(std::string(KANTOR_DOUBLES) + "/libcublas.so.12", folder / "libcudnn.so.9");
  expect(refusal(kEngine), "has no function cudnnGetVersion");
  std::filesystem::remove_all(folder);
  CHECK_EQ(refusal("cuda-emulated"), "");  // which looks for none of them
}

TEST_CASE("libraries of another version are refused") {
  Doubles doubles;
  {
    Variable version("KANTOR_DOUBLE_CUBLAS", "110501");
    expect(refusal(kEngine), "libcublas.so.12 is version 11.5.1; expected 12 or 13");
  }
  {
    Variable version("KANTOR_DOUBLE_CUDNN", "8907");
    expect(refusal(kEngine), "libcudnn.so.9 is version 8.9.7; expected 9");
  }
  Variable version("KANTOR_DOUBLE_CUDNN", "100001");
  expect(refusal(kEngine), "libcudnn.so.9 is version 10.0.1; expected 9");
}

TEST_CASE("an engine is a CUDA device's that is replayed as graphs") {
  Doubles doubles;
  expect(refusal("cpu+cudnn"), "only a CUDA device has a choice of executors and engines");
  expect(refusal("cuda-emulated+persistent+cudnn"), "leave '+persistent' or '+cudnn'");
  expect(refusal("cuda-emulated+cublas"), "no such executor or engine: 'cublas'");
  CHECK_EQ(refusal("cuda-emulated+graph+cudnn"), "");
  CHECK_EQ(refusal("cuda-emulated+cudnn+serial"), "");
}

TEST_CASE("a device and its programs tell of the engine") {
  Doubles doubles;
  Device device(kEngine, 1);
  char text[4096];
  REQUIRE_EQ(kt_device_describe(device.handle, text, sizeof text), KT_OK);
  for (const char* part : {"\"engine\": \"cudnn\"", "\"cudnn\": \"9.10.2\"", "\"cublas\": \"12.9.3\"", kEngine})
    expect(text, part);
  Product product(kEngine);
  product.add(false);
  product.builder.instruction("copy", {in_slot(0, {2, 3})}, {in_slot(2, {2, 4})}, {1, 6, 1, 1, 0, 0, 0});
  expect(described(Program(product.device, product.builder.bytes(), product.slots)), "\"engineInstructions\": 1");
}

TEST_CASE("what the libraries do not do as the contract says, kernels of ours do") {
  Doubles doubles;
  for (Precision precision : {Precision::fp32, Precision::tf32, Precision::bf16}) {
    Product product(kEngine);
    product.add(false, precision);
    expect(described(Program(product.device, product.builder.bytes(), product.slots)), "\"engineInstructions\": 1");
    const OpCase c = convolution(precision);
    CHECK_LE(max_relative_error(run_op(c, kEngine, 1)[0], run_op(c, "reference", 1)[0], 1), 1e-6 + rounding_of(precision));
  }
  // cuDNN rounds to half, not to bfloat16: the bits are those of our kernels.
  CHECK(same_bits(run_op(convolution(Precision::bf16), kEngine, 1)[0],
                  run_op(convolution(Precision::bf16), "cuda-emulated", 1)[0]));
  CHECK(!same_bits(run_op(convolution(Precision::tf32), kEngine, 1)[0], run_op(convolution(Precision::fp32), kEngine, 1)[0]));
}

TEST_CASE("making a program leaves state as it was") {
  Doubles doubles;
  Product product(kEngine);
  product.add(false);
  Program program(product.device, product.builder.bytes(), product.slots);
  CHECK(same_bits(product.result(), f32({2, 4}, {1, 2, 3, 4, 5, 6, 7, 8})));
  REQUIRE_EQ(kt_program_run(program.handle, 3, nullptr), KT_OK);
  OpCase c = {"gemm", {random({2, 3}, 1), random({3, 4}, 2)}, {f32({2, 4})}, {0, 0, 2, 4, 0, 1, 0}};
  CHECK(same_bits(product.result(), run_op(c, kEngine, 1)[0]));
}

TEST_CASE("a fault keeps the libraries from state too") {
  Doubles doubles;
  TrainingStep training;
  std::vector<Value> want = training.run("cuda-emulated", 1, {20}, KT_FAULT, INFINITY);
  std::vector<Value> got = training.run(kEngine, 1, {20}, KT_FAULT, INFINITY);
  REQUIRE_EQ(got.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) CHECK_LE(max_relative_error(got[i], want[i], 1), 1e-5);
  Product product(kEngine);
  product.add(true);
  product.builder.fault_slot = product.builder.slot(DType::i64, 32);
  Memory fault(product.device, i64({4}, {}));
  product.slots.push_back(fault.handle);
  Program program(product.device, product.builder.bytes(), product.slots);
  fault.write(i64({4}, {1, 0, 0, 0}));
  CHECK_EQ(kt_program_run(program.handle, 2, nullptr), KT_FAULT);
  CHECK(same_bits(product.result(), f32({2, 4}, {1, 2, 3, 4, 5, 6, 7, 8})));
}

TEST_CASE("a run gives the same bits however often, in whatever pieces, and in any order of blocks") {
  Doubles doubles;
  TrainingStep training;
  std::vector<Value> want = training.run(kEngine, 1, {7});
  for (const std::vector<int>& pieces : {std::vector<int>{7}, {1, 4, 2}}) {
    std::vector<Value> got = training.run(kEngine, 2, pieces);
    for (size_t i = 0; i < want.size(); ++i) CHECK(same_bits(got[i], want[i]));
  }
}

TEST_CASE("an error of a library's is told by its name") {
  Doubles doubles;
  const std::pair<const char*, const char*> failures[] = {
      {"cublasCreate", "cuBLAS 12.9.3: cublasCreate: CUBLAS_STATUS_ALLOC_FAILED"},
      {"cublasGemmEx", "cuBLAS 12.9.3: cublasGemmEx: CUBLAS_STATUS_NOT_SUPPORTED"},
      {"cudnnCreate", "cuDNN 9.10.2: cudnnCreate: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"},
      {"cudnnCreateFilterDescriptor", "cudnnCreateFilterDescriptor: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"},
      {"cudnnGetConvolutionForwardAlgorithm_v7", "cudnnGetConvolutionForwardAlgorithm_v7: CUDNN_STATUS_INTERNAL_ERROR"},
      {"cudnnConvolutionForward", "cudnnConvolutionForward: CUDNN_STATUS_NOT_SUPPORTED"}};
  for (const auto& [function, text] : failures) {
    Variable fails("KANTOR_DOUBLE_FAILS", function);
    Rejection r;
    if (std::string(function).starts_with("cublas"))
      r = try_op({"gemm", {random({2, 3}, 1), random({3, 4}, 2)}, {f32({2, 4})}, {0, 0, 2, 4, 0, 1, 0}}, kEngine);
    else
      r = try_op(convolution(Precision::fp32), kEngine);
    CHECK_NE(r.status, KT_OK);
    expect(r.message, text);
    expect(r.message, "engine=kantor");
  }
}
