// Stochastic arithmetic (J. Vignes, Mathematics and Computers in Simulation 35, 1993): digits that differ between runs
// whose rounding differs are no digits.
#include "engine/check/rounding.h"

#include <algorithm>
#include <limits>

#include "engine/types/error.h"

namespace chainrule::internal {
namespace {

constexpr int kRuns = 5;  // the first moves nothing

class MovedDigits final : public Observer {
 public:
  MovedDigits(Generator& generator, double by) : generator_(generator), by_(by) {}
  void computed(const OpInfo& info, std::span<const Tensor* const>, Tensor& result) override {
    // Elsewhere rules compare inputs with results bit by bit, as maxima do.
    if (!info.elementwise || !is_floating(result.dtype())) return;
    Values direction = result.to_vector();
    const double epsilon = result.dtype() == DType::float32 ? std::numeric_limits<float>::epsilon()
                                                            : std::numeric_limits<double>::epsilon();
    for (double& d : direction) d *= generator_.next_u32() & 1u ? by_ * epsilon : -by_ * epsilon;
    const NoGrad values_only;
    result = shifted(result, direction, 1);
  }

 private:
  Generator& generator_;
  double by_;  // in units of the last digit
};

}  // namespace

std::vector<Values> rounding_spread(const std::function<std::vector<Tensor>()>& run, Generator& generator, double by) {
  std::vector<Values> low, high;
  for (int i = 0; i < kRuns; ++i) {
    std::vector<Tensor> results;
    try {
      MovedDigits moved(generator, i == 0 ? 0 : by);
      const Scope<Observer*> watched(&ThreadState::observer, &moved);
      results = run();
    } catch (const Error&) {
      continue;  // the moved value is one that the function refuses
    }
    if (low.empty()) low.resize(results.size()), high.resize(results.size());
    for (std::size_t k = 0; k < std::min(low.size(), results.size()); ++k) {
      const Values v = results[k].defined() ? results[k].to_vector() : Values();
      if (low[k].empty()) low[k] = high[k] = v;
      for (std::size_t e = 0; e < std::min(v.size(), low[k].size()); ++e) {
        low[k][e] = std::min(low[k][e], v[e]);
        high[k][e] = std::max(high[k][e], v[e]);
      }
    }
  }
  for (std::size_t k = 0; k < low.size(); ++k)
    for (std::size_t e = 0; e < low[k].size(); ++e) high[k][e] -= low[k][e];
  return high;
}

}  // namespace chainrule::internal
