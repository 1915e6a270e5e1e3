// Chains, and the key of a sample's random numbers.
#include "nn/data/transform.h"

#include <fmt/format.h>

#include "engine/scopes.h"
#include "engine/types/error.h"

namespace chainrule {

Generator sample_generator(std::uint64_t seed, std::int64_t epoch, std::int64_t index, std::uint32_t step) {
  const auto low = [](std::uint64_t number) { return static_cast<std::uint32_t>(number); };
  const auto high = [](std::uint64_t number) { return static_cast<std::uint32_t>(number >> 32); };
  const auto e = static_cast<std::uint64_t>(epoch), i = static_cast<std::uint64_t>(index);
  // One block of the generator makes a seed and a stream out of all four, so that no two of them meet by arithmetic.
  const auto key = philox({low(e), high(e), low(i), high(i)}, {low(seed), high(seed)});
  return Generator(key[0] | std::uint64_t{key[1]} << 32, (key[2] | std::uint64_t{key[3]} << 32) ^ step);
}

Generator Draws::generator(std::int64_t sample) const {
  return sample_generator(seed, epoch, indices.empty() ? sample : indices.at(static_cast<std::size_t>(sample)), step);
}

Transform::Transform(std::string name, Apply apply, bool random) {
  if (!apply) throw ValueError(fmt::format("transform {}: it has no function", name));
  steps_.push_back({std::move(name), std::move(apply), random});
}

Batch Transform::operator()(const Batch& batch, Draws draws) const {
  if (!draws.indices.empty() && static_cast<std::int64_t>(draws.indices.size()) != batch.size())
    throw ValueError(fmt::format("transform: {} indices for a batch of {}", draws.indices.size(), batch.size()));
  const NoGrad data;
  Batch now = batch;
  for (const Step& step : steps_) {
    now = step.apply(now, draws);
    ++draws.step;
  }
  return now;
}

bool Transform::random() const {
  for (const Step& step : steps_)
    if (step.random) return true;
  return false;
}

Transform operator|(Transform first, const Transform& second) {
  first.steps_.insert(first.steps_.end(), second.steps_.begin(), second.steps_.end());
  return first;
}

std::string to_string(const Transform& transform) {
  std::string text;
  for (const auto& step : transform.steps_) text += (text.empty() ? "" : " | ") + step.name;
  return text.empty() ? "none" : text;
}

}  // namespace chainrule
