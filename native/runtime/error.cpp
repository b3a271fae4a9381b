#include "runtime/error.h"

#include <cstdarg>
#include <cstdio>

namespace kantor {

namespace {
thread_local std::string text;
}

void fail(kt_status status, const char* format, ...) {
  va_list arguments, again;
  va_start(arguments, format);
  va_copy(again, arguments);
  int length = std::vsnprintf(nullptr, 0, format, arguments);
  va_end(arguments);
  std::string message(length > 0 ? static_cast<size_t>(length) : 0, '\0');
  std::vsnprintf(message.data(), message.size() + 1, format, again);
  va_end(again);
  throw Error(status, std::move(message));
}

void set_error_text(const char* message) noexcept {
  try {
    text = message;
  } catch (...) {
    text.clear();  // no memory for the text: an empty one is still valid
  }
}

const char* error_text() noexcept { return text.c_str(); }

}  // namespace kantor
