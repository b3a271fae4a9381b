// How a convolution is computed, and which way is taken for which shape.
#pragma once
#include "ops/conv2d/conv2d.h"

namespace kantor {

enum class ConvMethod { direct, winograd2, winograd4 };  // Winograd's F(2x2, 3x3) and F(4x4, 3x3)

// How far a result may be from the exact one, in units of the largest sum of magnitudes of terms that any result of the op
// has: what the tests hold the three ops to, for up to 130 channels. Winograd's results share their tile's error: where all
// terms of a result are small, or 0, it need not be small. Of the 64 to 32 convolution at 56 x 56 the worst error was
// 2.4e-7 for the plain sum, 1.0e-7 for F(2x2) and 4.4e-7 for F(4x4); in root mean square, of factors of both signs, 4.3e-7,
// 2.6e-7 and 7.5e-7 of the results'.
inline double error_bound(ConvMethod method) { return method == ConvMethod::winograd4 ? 2e-6 : 4e-7; }

// Whether Winograd's convolutions can compute the shape.
inline bool winograd_fits(const ConvShape& z) {
  return z.r == 3 && z.s == 3 && z.sh == 1 && z.sw == 1 && z.dh == 1 && z.dw == 1;
}

// The way that prepare_* takes, from measurements (bench/NOTES.md) on all three instruction sets. With 16 channels on
// both sides Winograd's are faster whatever the planes; with fewer, vectors of channels are not full. Which of the two is
// a matter of multiplications: of the tiles, and of transforming the weights, which takes as long as some 20 tiles do.
inline ConvMethod conv_method(const ConvShape& z) {
  constexpr int64_t kFewestChannels = 16, kWeightTiles = 20;
  if (!winograd_fits(z) || z.c < kFewestChannels || z.o < kFewestChannels) return ConvMethod::direct;
  auto cost = [&z](int64_t m) {
    const int64_t tiles = z.n * ((z.p + m - 1) / m) * ((z.q + m - 1) / m);
    return (m + 2) * (m + 2) * (tiles + kWeightTiles);
  };
  return cost(4) < cost(2) ? ConvMethod::winograd4 : ConvMethod::winograd2;
}

// The ops by a given method, which must fit: what prepare_* calls.
#define KANTOR_DECLARE_CONVOLUTIONS(isa)                              \
  namespace isa {                                                     \
  void prepare_conv2d_by(ConvMethod, const Node&, Plan&);             \
  void prepare_conv2d_data_grad_by(ConvMethod, const Node&, Plan&);   \
  void prepare_conv2d_weight_grad_by(ConvMethod, const Node&, Plan&); \
  }
KANTOR_DECLARE_CONVOLUTIONS(portable)
#if defined(__x86_64__)
KANTOR_DECLARE_CONVOLUTIONS(avx2)
KANTOR_DECLARE_CONVOLUTIONS(avx512)
#endif
#undef KANTOR_DECLARE_CONVOLUTIONS

}  // namespace kantor
