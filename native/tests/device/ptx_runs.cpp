#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include "device_arrays.h"
#include "ptx_cases.h"

namespace kantor::test {

namespace {

std::string wrong;

template <class T>
void expect(const char* name, const std::vector<T>& got, const std::vector<T>& want) {
  for (size_t i = 0; i < got.size() && wrong.empty(); ++i)
    if (got[i] != want[i])
      wrong = std::string(name) + ": element " + std::to_string(i) + " is " + std::to_string(got[i]) + ", expected " +
              std::to_string(want[i]);
}

// The upper bits of x rounded to so many significant ones; below the normal numbers to the smallest's.
uint32_t rounded(float x, int significant, const std::function<double(double)>& round) {
  if (!std::isfinite(x)) return std::bit_cast<uint32_t>(x);
  int exponent;
  std::frexp(x, &exponent);
  double quantum = std::ldexp(1.0, std::max(exponent, -125) - significant);
  return std::bit_cast<uint32_t>(static_cast<float>(round(static_cast<double>(x) / quantum) * quantum));
}
uint32_t want_tf32(float x) {
  return rounded(x, 11, [](double r) { return std::round(r); });  // ties away from zero
}
uint32_t want_bf16(float x) {
  return rounded(x, 8, [](double r) { return std::nearbyint(r); }) >> 16;  // ties to even
}

void run_roundings() {
  std::vector<float> x = {0.0f, -0.0f, 1.0f, std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                          std::numeric_limits<float>::min(), 1e-40f, -3e-39f};
  for (float sign : {1.0f, -1.0f})
    for (float tie : {1 + 0x1p-11f, 1 + 3 * 0x1p-11f, 1 + 0x1p-8f, 1 + 3 * 0x1p-8f, 2 - 0x1p-11f, 2 - 0x1p-8f})
      for (float next : {0.0f, tie, 4.0f}) x.push_back(sign * (next == tie ? tie : std::nextafter(tie, next)));
  for (float u : random_floats(500, 1)) x.push_back(std::ldexp(u, static_cast<int>(x.size() % 250) - 125));
  int n = static_cast<int>(x.size());
  Stream stream;
  Array<float> dx(x);
  Array<uint32_t> tf32(x.size()), bf16(x.size());
  launch(round_to_words, {static_cast<unsigned>((n + 63) / 64), 64}, stream.handle, dx.data, tf32.data, bf16.data, n);
  stream.wait();
  std::vector<uint32_t> a, b;
  for (size_t i = 0; i < x.size(); ++i) {
    a.push_back(want_tf32(x[i]));
    b.push_back(want_bf16(x[i]) | want_bf16(x[x.size() - 1 - i]) << 16);
  }
  expect("to_tf32", tf32.read(), a);
  expect("to_bf16", bf16.read(), b);
}

// Small whole numbers, which every step is exact for.
std::vector<float> whole_numbers(size_t count, unsigned seed) {
  std::vector<float> all = random_floats(count, seed);
  for (float& x : all) x = std::round(x * 8);
  return all;
}

void run_products() {
  Stream stream;
  for (int depth : {8, 16}) {  // tf32, bf16
    std::vector<float> a = whole_numbers(static_cast<size_t>(16 * depth), 2),
                       b = whole_numbers(static_cast<size_t>(depth * 8), 3), c = whole_numbers(16 * 8, 4);
    std::vector<uint32_t> wa(32 * 4), wb(32 * 2);
    std::vector<float> wc(32 * 4), want(32 * 4);
    auto word = [&](const std::vector<float>& from, int at, int next) {  // at one place, or at that and the next
      uint32_t low = std::bit_cast<uint32_t>(from[static_cast<size_t>(at)]);
      if (depth == 8) return low;
      return low >> 16 | (std::bit_cast<uint32_t>(from[static_cast<size_t>(at + next)]) & 0xFFFF0000u);
    };
    for (int lane = 0; lane < 32; ++lane) {
      int g = lane / 4, t = lane % 4, wide = depth / 8;
      for (int i = 0; i < 4; ++i) {
        wa[static_cast<size_t>(lane * 4 + i)] = word(a, (g + i % 2 * 8) * depth + t * wide + i / 2 * depth / 2, 1);
        int row = g + i / 2 * 8, column = t * 2 + i % 2;
        float sum = c[static_cast<size_t>(row * 8 + column)];
        wc[static_cast<size_t>(lane * 4 + i)] = sum;
        for (int k = 0; k < depth; ++k) sum += a[static_cast<size_t>(row * depth + k)] * b[static_cast<size_t>(k * 8 + column)];
        want[static_cast<size_t>(lane * 4 + i)] = sum;
      }
      for (int i = 0; i < 2; ++i)
        wb[static_cast<size_t>(lane * 2 + i)] = word(b, (t * wide + i * depth / 2) * 8 + g, 8);
    }
    Array<uint32_t> da(wa), db(wb);
    Array<float> dc(wc), dd(32 * 4);
    launch(depth == 8 ? multiply_tf32 : multiply_bf16, {1, 32}, stream.handle, da.data, db.data, dc.data, dd.data);
    stream.wait();
    expect(depth == 8 ? "mma_tf32" : "mma_bf16", dd.read(), want);
  }
}

void run_loads() {
  Stream stream;
  std::vector<uint16_t> x(4 * 64);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<uint16_t>(i * 257 + 5);
  std::vector<uint32_t> want(2 * 32 * 4);
  auto at = [&](size_t matrix, size_t row, size_t column) { return uint32_t{x[matrix * 64 + row * 8 + column]}; };
  for (size_t lane = 0; lane < 32; ++lane)
    for (size_t j = 0; j < 4; ++j) {
      size_t row = lane / 4, column = lane % 4 * 2;
      want[lane * 4 + j] = at(j, row, column) | at(j, row, column + 1) << 16;
      want[(32 + lane) * 4 + j] = at(j, column, row) | at(j, column + 1, row) << 16;
    }
  Array<uint16_t> dx(x);
  Array<uint32_t> words(want.size());
  launch(load_words, {1, 32, 32 * 16}, stream.handle, dx.data, words.data);
  stream.wait();
  expect("ldmatrix", words.read(), want);
}

void run_copies() {
  Stream stream;
  std::vector<unsigned char> x(kPieces * 28), want(kPieces * 28);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<unsigned char>(i % 251 + 1);
  std::vector<unsigned> sources;
  size_t at = 0;
  for (unsigned bytes : {16, 8, 4})
    for (unsigned i = 0; i < kPieces; ++i, at += bytes) {
      sources.push_back(i % (bytes + 1));
      for (size_t k = 0; k < sources.back(); ++k) want[at + k] = x[at + k];
    }
  Array<unsigned char> dx(x), dy(x.size());
  Array<unsigned> ds(sources);
  launch(copy_pieces, {1, kPieces, kPieces * 28}, stream.handle, dx.data, ds.data, dy.data);
  stream.wait();
  expect("cp.async", dy.read(), want);

  std::vector<float> floats = counting(3 * kPieces), sums;
  for (int i = 0; i < kPieces; ++i) sums.push_back(static_cast<float>(3 * i + 3 * kPieces));
  Array<float> df(floats), dz(kPieces);
  launch(copy_groups, {1, kPieces, 3 * kPieces * sizeof(float)}, stream.handle, df.data, dz.data);
  stream.wait();
  expect("cp.async.wait_group", dz.read(), sums);
}

}  // namespace

const char* run_ptx_cases() {
  wrong.clear();
  run_roundings();
  run_products();
  run_loads();
  run_copies();
  return wrong.c_str();
}

}  // namespace kantor::test
