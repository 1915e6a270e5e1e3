// Counting what the watches report.
#include "engine/profile.h"

#include <algorithm>
#include <chrono>

#include "engine/node.h"
#include "engine/record.h"

namespace chainrule {

std::vector<ProfileRow> Profile::rows() const {
  std::vector<ProfileRow> result;
  result.reserve(rows_.size());
  for (const auto& [key, row] : rows_) result.push_back(row);
  std::stable_sort(result.begin(), result.end(), [](const auto& a, const auto& b) { return a.seconds > b.seconds; });
  return result;
}

void Profile::add(const OpInfo& info, ProfilePhase phase, std::span<const Tensor* const> inputs, const Tensor& output,
                  double seconds) {
  auto bytes = [](const Tensor& t) { return static_cast<std::uint64_t>(t.numel()) * item_size(t.dtype()); };
  std::uint64_t input_bytes = 0;
  std::vector<Shape> shapes;
  shapes.reserve(inputs.size());
  for (const Tensor* x : inputs) {
    shapes.push_back(x->shape());
    input_bytes += bytes(*x);
  }
  auto at = rows_.find({&info, phase, true, output.shape(), shapes});
  if (at == rows_.end()) {
    const bool room = rows_.size() < most_rows_;
    Key key{&info, phase, room, room ? output.shape() : Shape(), room ? shapes : std::vector<Shape>()};
    at = rows_.try_emplace(std::move(key)).first;
    ProfileRow& row = at->second;
    if (row.calls == 0) {
      row.name = info.name;
      row.info = &info;
      row.phase = phase;
      row.shapes_known = room;
      if (room) row.inputs = std::move(shapes), row.output = output.shape();
    }
  }
  ProfileRow& row = at->second;
  ++row.calls;
  row.seconds += seconds;
  row.input_bytes += input_bytes;
  row.output_bytes += bytes(output);
}

std::string to_string(const Profile& profile) {
  const std::vector<ProfileRow> rows = profile.rows();
  double all = 0;
  for (const ProfileRow& row : rows) all += row.seconds;
  std::string out = fmt::format("{:<24} {:<8} {:>8} {:>12} {:>7} {:>12}  {}\n", "operation", "phase", "calls", "ms",
                                "share", "MB", "shapes");
  for (const ProfileRow& row : rows) {
    const bool forward = row.phase == ProfilePhase::forward;
    std::string shapes;
    for (const Shape& shape : row.inputs) shapes += (shapes.empty() ? "" : ", ") + to_string(shape);
    // Backward reads against the data's way: from the result's gradient to those of the inputs.
    if (row.shapes_known) shapes += fmt::format(" {} {}", forward ? "->" : "<-", to_string(row.output));
    fmt::format_to(std::back_inserter(out), "{:<24} {:<8} {:>8} {:>12.4f} {:>6.1f}% {:>12.3f}  {}\n", row.name,
                   forward ? "forward" : "backward", row.calls, 1e3 * row.seconds,
                   all > 0 ? 100 * row.seconds / all : 0, static_cast<double>(row.input_bytes + row.output_bytes) / 1e6,
                   shapes);
  }
  out += fmt::format("{:.4f} ms in all", 1e3 * all);
  return out;
}

std::ostream& operator<<(std::ostream& out, const Profile& profile) { return out << to_string(profile); }

namespace internal {

double profile_clock() noexcept {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Profile and observer pause, so that an operation inside this one counts as a part of it.
void Watch::start() {
  active_ = true;
  profile_ = std::exchange(thread_state().profile, nullptr);
  observer_ = std::exchange(thread_state().observer, nullptr);
  if (profile_) started_ = profile_clock();
}

void Watch::finish(Tensor& result, const OpInfo& info, std::span<const Tensor* const> inputs,
                   const SourceLocation& where) {
  if (profile_) profile_->add(info, ProfilePhase::forward, inputs, result, profile_clock() - started_);
  if (observer_) observer_->computed(info, inputs, result);
  if (thread_state().anomaly != Anomaly::none) check_forward(result, info, inputs, where);
}

}  // namespace internal
}  // namespace chainrule
