// Inner header: for our own sources, not installed.
// What a gradient check puts back when it is over, and the copies of the inputs that it works on.
#pragma once

#include <string>
#include <vector>

#include "engine/check/gradcheck.h"
#include "engine/factory.h"
#include "engine/scopes.h"

namespace chainrule::internal {

/// Values that are not finite are expected: a check walks to the edges of domains.
class NoAnomaly : Scope<Anomaly> {
 public:
  NoAnomaly() : Scope(&ThreadState::anomaly, Anomaly::none) {}
};

/// Puts the default generator and the given leaves back to what they were.
class StateGuard {
 public:
  explicit StateGuard(const std::vector<Tensor>& leaves);
  ~StateGuard();
  StateGuard(const StateGuard&) = delete;
  StateGuard& operator=(const StateGuard&) = delete;
  void restore_leaves() const;

 private:
  Generator::State generator_ = default_generator().state();
  std::vector<Tensor> leaves_, values_;
};

/// The trainable leaves that are checked. Normally copies of the inputs; captured inputs themselves hold other numbers,
/// in the checked dtype, until this object dies.
class CheckedInputs {
 public:
  CheckedInputs(const std::vector<NamedTensor>& inputs, bool captured, DType dtype);
  ~CheckedInputs();
  CheckedInputs(const CheckedInputs&) = delete;
  CheckedInputs& operator=(const CheckedInputs&) = delete;

  const std::vector<Tensor>& tensors() const { return checked_; }
  const std::vector<std::string>& names() const { return names_; }
  const std::vector<std::string>& notes() const { return notes_; }
  /// The function's arguments: x in the places of the checked inputs, the others as they are.
  std::vector<Tensor> arguments(const std::vector<Tensor>& x) const;

 private:
  struct Original {
    Tensor leaf, grad;
    DType dtype;
    bool requires_grad;
    void* data;
    Ref<Storage> storage;
    Strides strides;
  };
  void lift(const Tensor& input, DType dtype);
  void put_back() noexcept;

  std::vector<Tensor> all_, checked_;
  std::vector<std::size_t> places_;
  std::vector<std::string> names_, notes_;
  std::vector<Original> originals_;
};

/// Writes one element of a leaf, counted in row-major order.
class ElementWriter {
 public:
  ElementWriter(const Tensor& leaf, std::int64_t element);
  void write(double value) const;

 private:
  mutable Tensor leaf_;
  std::int64_t offset_ = 0;
};

std::vector<std::int64_t> index_of(std::int64_t element, const Shape& shape);
/// The same dtype, shape and bits.
bool same_bits(const Tensor& x, const Tensor& y);
/// "output 1", "the number of outputs", or empty when the two lists are the same bits.
std::string first_difference(const std::vector<Tensor>& one, const std::vector<Tensor>& two);
/// Where two evaluations whose graphs kept their values begin to differ; no op when it cannot be told.
GradcheckBlame where_they_part(const std::vector<Tensor>& one, const std::vector<Tensor>& two);

}  // namespace chainrule::internal
