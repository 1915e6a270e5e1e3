// A place in a source file. std::source_location would do, but clang before 16 does not have it with GNU's library.
#pragma once

#include <string>

namespace chainrule {

class SourceLocation {
 public:
  constexpr SourceLocation() = default;
  /// As a default argument: the place of the call.
  static constexpr SourceLocation current(const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
    SourceLocation here;
    here.file_ = file;
    here.line_ = line;
    return here;
  }
  /// A place in a text that is not a C++ source: `name` must outlive every use.
  static constexpr SourceLocation in_text(const char* name, unsigned line, unsigned column) {
    SourceLocation there = current(name, line);
    there.column_ = column;
    return there;
  }
  constexpr const char* file_name() const { return file_; }
  /// 0 when unknown.
  constexpr unsigned line() const { return line_; }
  /// 0 when unknown, as in C++ sources.
  constexpr unsigned column() const { return column_; }

 private:
  const char* file_ = "";
  unsigned line_ = 0;
  unsigned column_ = 0;
};

/// "main.cpp:12", without folders; "program:1:5" with a column where one is known.
std::string to_string(const SourceLocation& where);

}  // namespace chainrule
