// cuBLAS and cuDNN, where they are installed: nothing is linked with them, and they are opened only for a user who asks for
// them.
#pragma once
#include <string>

#include "runtime/cuda/engine/vendor_api.h"

namespace kantor::cuda {

struct Libraries {
  cublas::Functions cublas;
  cudnn::Functions cudnn;
  std::string cublas_version, cudnn_version;  // "13.0.2"
};

// Opens libcublas.so.13 or .12 and libcudnn.so.9, for as long as this process lives. They are looked for in the folders of
// the environment variable KANTOR_CUDA_LIBRARY_PATH and nowhere else; without it where the system looks (LD_LIBRARY_PATH,
// the system's folders), then in the toolkit that CUDA_PATH or CUDA_HOME names, or in /usr/local/cuda.
// Throws KT_UNSUPPORTED where one is missing, cannot be opened, or is of another version, with a text that says how to come by
// it.
Libraries open_libraries();

}  // namespace kantor::cuda
