#include "ops/layer_norm_grad/layer_norm_grad.h"
#include "ops/sums.h"

namespace kantor::KANTOR_ISA {

// Blocks of rows give dx and the block's share of the column sums (2 * cols floats in scratch); tasks over columns then
// add the shares in order. At most 64 blocks, so that the second phase stays small.
void prepare_layer_norm_grad(const Node& node, Plan& plan) {
  constexpr int64_t kColumns = 256;
  int64_t rows = node.in[0].dims[0], cols = node.in[0].dims[1];
  int64_t group = cols < 8192 ? 8192 / cols : 1;
  if (group < (rows + 63) / 64) group = (rows + 63) / 64;
  int64_t blocks = (rows + group - 1) / group;
  const float* dys = node.in[0].f32();
  const float* xs = node.in[1].f32();
  const float* gamma = node.in[2].f32();
  const float* means = node.in[3].f32();
  const float* rstds = node.in[4].f32();
  float* dxs = node.out[0].f32();
  float* dgamma = node.out[1].f32();
  float* dbeta = node.out[2].f32();
  size_t at = plan.scratch(static_cast<size_t>(blocks * 2 * cols) * sizeof(float));
  plan.phase(static_cast<int>(blocks), [=](int task, std::byte* scratch) {
    float* __restrict gamma_share = reinterpret_cast<float*>(scratch + at) + task * 2 * cols;
    float* __restrict beta_share = gamma_share + cols;
    memset(gamma_share, 0, static_cast<size_t>(2 * cols) * sizeof(float));
    int64_t end = (task + 1) * group < rows ? (task + 1) * group : rows;
    for (int64_t r = task * group; r < end; ++r) {
      const float* dy = dys + r * cols;
      const float* x = xs + r * cols;
      float* dx = dxs + r * cols;
      float mean = means[r], rstd = rstds[r];
      auto h = [dy, gamma](int64_t i, int64_t n)
                   __attribute__((always_inline)) { return load_lanes(dy + i, n) * load_lanes(gamma + i, n); };
      auto hx = [h, x, mean, rstd](int64_t i, int64_t n)
                    __attribute__((always_inline)) { return h(i, n) * ((load_lanes(x + i, n) - mean) * rstd); };
      float mean_h = static_cast<float>(sum_terms(cols, h) / static_cast<double>(cols));
      float mean_hx = static_cast<float>(sum_terms(cols, hx) / static_cast<double>(cols));
#pragma GCC ivdep
      for (int64_t c = 0; c < cols; ++c) {
        float g = dy[c], xhat = (x[c] - mean) * rstd;
        gamma_share[c] += g * xhat;
        beta_share[c] += g;
        dx[c] = rstd * (g * gamma[c] - mean_h - xhat * mean_hx);
      }
    }
  });
  plan.phase(static_cast<int>((cols + kColumns - 1) / kColumns), [=](int task, std::byte* scratch) {
    const float* shares = reinterpret_cast<const float*>(scratch + at);
    int64_t begin = task * kColumns, width = begin + kColumns < cols ? kColumns : cols - begin;
    double gamma_sum[kColumns] = {}, beta_sum[kColumns] = {};
    for (int64_t block = 0; block < blocks; ++block) {
      const float* share = shares + block * 2 * cols + begin;
      for (int64_t c = 0; c < width; ++c) gamma_sum[c] += static_cast<double>(share[c]);
      for (int64_t c = 0; c < width; ++c) beta_sum[c] += static_cast<double>(share[cols + c]);
    }
    for (int64_t c = 0; c < width; ++c) dgamma[begin + c] = static_cast<float>(gamma_sum[c]);
    for (int64_t c = 0; c < width; ++c) dbeta[begin + c] = static_cast<float>(beta_sum[c]);
  });
}

}  // namespace kantor::KANTOR_ISA
