// A library whose table is of another version of runtime/backend_library.h.
extern "C" __attribute__((visibility("default"))) const unsigned* kantor_backend_library() {
  static const unsigned version = 4096;
  return &version;
}
