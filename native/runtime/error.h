#pragma once
#include <exception>
#include <string>

#include "kantor/kantor.h"

namespace kantor {

// Thrown inside the library only; every function of the C interface turns it into a status and the thread's error text.
class Error : public std::exception {
 public:
  Error(kt_status status, std::string message) : status_(status), message_(std::move(message)) {}
  const char* what() const noexcept override { return message_.c_str(); }
  kt_status status() const noexcept { return status_; }

  // The same error with an outer cause in front, one cause a line.
  Error in(const std::string& context) const { return Error(status_, context + "\n" + message_); }

 private:
  kt_status status_;
  std::string message_;
};

// printf-style; [[noreturn]].
[[noreturn]] void fail(kt_status status, const char* format, ...) __attribute__((format(printf, 2, 3)));

// The calling thread's error text, as kt_error_message returns it.
void set_error_text(const char* text) noexcept;
const char* error_text() noexcept;

}  // namespace kantor
