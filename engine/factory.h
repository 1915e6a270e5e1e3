// Ways to make leaves: constants, ranges, nested lists, random values. PyTorch's names and meaning.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "engine/random.h"
#include "engine/tensor.h"

namespace chainrule {

/// Element type of factories that are not told one: float32 unless set. Per thread.
DType default_dtype();
void set_default_dtype(DType dtype);

struct TensorOptions {
  DType dtype = default_dtype();
  bool requires_grad = false;
};

Tensor zeros(const Shape& shape, TensorOptions options = {});
Tensor ones(const Shape& shape, TensorOptions options = {});
Tensor full(const Shape& shape, double value, TensorOptions options = {});
Tensor eye(std::int64_t n, TensorOptions options = {});
/// start, start + step, ... below end (ceil((end - start) / step) elements). Throws ValueError for step 0.
Tensor arange(double start, double end, double step = 1, TensorOptions options = {});
Tensor arange(double end);
/// `steps` numbers from start to end, both included.
Tensor linspace(double start, double end, std::int64_t steps, TensorOptions options = {});

/// Uniform on [0, 1).
Tensor rand(const Shape& shape, TensorOptions options = {}, Generator& generator = default_generator());
/// Normal with mean 0 and standard deviation 1.
Tensor randn(const Shape& shape, TensorOptions options = {}, Generator& generator = default_generator());
/// Integers in [low, high) as int64.
Tensor randint(std::int64_t low, std::int64_t high, const Shape& shape, Generator& generator = default_generator());

/// A number or a nested list of numbers, as in tensor({{1, 2}, {3, 4}}).
class Nested {
 public:
  template <class T>
  requires std::is_arithmetic_v<T> Nested(T value) : values_{static_cast<double>(value)} {}
  /// Throws ShapeError when the rows differ in shape.
  Nested(std::initializer_list<Nested> rows);
  const std::vector<double>& values() const { return values_; }
  const Shape& shape() const { return shape_; }

 private:
  std::vector<double> values_;
  Shape shape_;
};
Tensor tensor(const Nested& values, TensorOptions options = {});
/// Row-major values in their own type. Throws ShapeError when the counts differ.
template <class T>
Tensor from_vector(const std::vector<T>& values, const Shape& shape);
Tensor from_vector(const std::vector<double>& values, const Shape& shape, TensorOptions options);
/// Memory of the host program, used in place and kept alive by `owner`. Row-major, any alignment of the element type.
Tensor from_memory(void* data, const Shape& shape, DType dtype, std::shared_ptr<void> owner);

/// A named trainable leaf for learning with: float64, and every graph that starts from it keeps all its values and
/// gradients, so that it can be drawn and explained after backward.
Tensor variable(const Nested& values, std::string name = {});

extern template Tensor from_vector(const std::vector<float>&, const Shape&);
extern template Tensor from_vector(const std::vector<double>&, const Shape&);
extern template Tensor from_vector(const std::vector<std::int64_t>&, const Shape&);

}  // namespace chainrule
