// What is measured: names, sizes, batches and floating-point operations, shared by our side and by other libraries'.
// Deliberately not here: any library's types, so that one small file can compile against each of them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace chainrule::bench {

/// One layer of a network that is trained. `in` and `out` are features or channels.
struct Layer {
  enum class Kind { linear, conv, batch_norm, relu, max_pool, flatten };
  Kind kind = Kind::relu;
  std::int64_t in = 0, out = 0, kernel = 0, padding = 0;
};

struct Workload {
  enum class Kind { scalar_graph, elementwise, matmul, training };
  std::string name;   ///< for --workload: "mlp-small"
  std::string title;  ///< for tables
  Kind kind{};
  std::int64_t size = 0;  ///< steps of the scalar loop, elements, or rows of the square matrices
  std::int64_t batch = 0;
  std::vector<std::int64_t> input{};  ///< shape of one example: {784} or {channels, height, width}
  std::vector<Layer> layers{};
  bool adam = false;       ///< else plain gradient descent
  double flops = 0;        ///< of one step; 0 where operations, not arithmetic, are what costs
  double operations = 0;   ///< recorded operations of one step, for times per operation; 0: not shown
  double target = 0;       ///< how many times faster than libtorch we mean to be
  double peak_factor = 0;  ///< a step may take this many times flops / peak; 0: no such aim
};

/// All workloads, in the order of the tables. `quick`: the same kinds with small sizes, to see that everything runs.
std::vector<Workload> workloads(bool quick = false);

/// The numbers that every side starts from, so that their losses can be compared.
struct Data {
  std::vector<float> x, y;                     ///< images or operands, row-major
  std::vector<std::int64_t> labels;            ///< of training
  std::vector<std::vector<float>> parameters;  ///< of training: weights, then biases, layer by layer
};
Data make_data(const Workload& workload);

/// One side's work on one workload, ready to run. A step returns its loss or another number that tells that it worked.
using Step = std::function<double()>;

/// The loop of the scalar workloads: z = z * x + y from these numbers, in float64. Powers of x stay far from denormal
/// numbers, also after a million steps.
inline constexpr double kScalarX = 0.999999, kScalarY = 0.001;
inline constexpr double kSgdRate = 0.01, kAdamRate = 1e-4;
inline constexpr std::int64_t kClasses = 10;

}  // namespace chainrule::bench
