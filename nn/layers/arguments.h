// Inner header: for our own sources, not installed.
// What a layer was made with, as PyTorch prints it: "kernel_size=5, padding=2". What has its usual value is left out.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>

#include "engine/types/shape.h"
#include "ops/options.h"

namespace chainrule::internal {

class ArgumentsText {
 public:
  template <class T>
  ArgumentsText& add(const char* name, const T& value) {
    text_ += fmt::format("{}{}={}", text_.empty() ? "" : ", ", name, written(value));
    return *this;
  }
  template <class T>
  ArgumentsText& unless(const T& usual, const char* name, const T& value) {
    return value == usual ? *this : add(name, value);
  }
  std::string text() const { return text_; }

 private:
  static std::string written(bool value) { return value ? "True" : "False"; }
  static std::string written(Size2 value) {
    return value.h == value.w ? std::to_string(value.h) : fmt::format("({}, {})", value.h, value.w);
  }
  static std::string written(std::int64_t value) { return std::to_string(value); }
  static std::string written(double value) { return fmt::format("{}", value); }
  static std::string written(const Shape& value) { return to_string(value); }
  static std::string written(const char* value) { return fmt::format("'{}'", value); }
  template <class T>
  static std::string written(const std::optional<T>& value) {
    return value ? written(*value) : "None";
  }
  std::string text_;
};

}  // namespace chainrule::internal
