// Errors are sentences for a user: the operation first, the facts with shapes and labels second, a hint when we know
// one. Each type says which exit code a command gives for it. Messages are built on the failing path only.
#pragma once

#include <stdexcept>
#include <string>

namespace chainrule {

/// Base of everything the library throws. exit_code() is what a command returns for it.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  virtual int exit_code() const noexcept { return 2; }
};

/// Shapes or sizes that do not fit together, or that no memory could hold.
class ShapeError : public Error {
 public:
  using Error::Error;
};

/// An argument outside its range, or of the wrong element type.
class ValueError : public Error {
 public:
  using Error::Error;
};

/// A handle that holds no value was used as one.
class EmptyHandleError : public ValueError {
 public:
  using ValueError::ValueError;
};

/// A graph used in a way that has no answer: freed twice, no path to a trainable value, a saved value overwritten.
class GraphError : public Error {
 public:
  using Error::Error;
};

/// A number stopped the work: not finite where it must be.
class NumericError : public Error {
 public:
  using Error::Error;
  int exit_code() const noexcept override { return 3; }
};

/// The machine said no: a missing program, a full disk, no memory.
class EnvironmentError : public Error {
 public:
  using Error::Error;
  int exit_code() const noexcept override { return 4; }
};

}  // namespace chainrule
