// Everything is looked at before anything is changed.
#include "nn/module_functions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "engine/scopes.h"
#include "engine/system/text.h"
#include "engine/types/error.h"
#include "nn/members.h"
#include "nn/pattern.h"
#include "ops/ops.h"

namespace chainrule {

using internal::Members;

// --- places ----------------------------------------------------------------------------------------------------------

std::vector<Members::Place> Members::of(ModuleBase& net) {
  std::vector<Place> found;
  const auto list = [&](const auto& self, ModuleBase& module, const std::string& prefix) -> void {
    for (ModuleBase::Member& m : module.members_) {
      if (m.child)
        self(self, *m.child, prefix + m.name + ".");
      else
        found.push_back({prefix + m.name, &m});
    }
  };
  list(list, net, "");
  return found;
}

void Members::Place::put(const Tensor& other) const {
  member->tensor = other;
  if (member->holder && *member->holder) static_cast<Tensor&>(**member->holder) = other;
}

namespace {

/// For errors: the names that there are, shortened.
std::string names_of(const std::vector<Members::Place>& places, bool buffers) {
  std::string text;
  int count = 0;
  for (const Members::Place& p : places) {
    if (!buffers && !p.is_parameter()) continue;
    if (++count <= 8) text += fmt::format("{}'{}'", text.empty() ? "" : ", ", p.path);
  }
  return count == 0 ? "it has none" : fmt::format("it has {}{}", text, count > 8 ? ", ..." : "");
}

const Members::Place& place_of(const std::vector<Members::Place>& places, std::string_view path, const char* who,
                               const ModuleBase& net, bool buffers) {
  for (const Members::Place& p : places)
    if (p.path == path && (buffers || p.is_parameter())) return p;
  throw ValueError(fmt::format("{}: {} has no {} '{}'; {}", who, net.kind(),
                               buffers ? "parameter or buffer" : "parameter", printable(path),
                               names_of(places, buffers)));
}

std::vector<std::string> set_trained(ModuleBase& net, std::string_view pattern, bool on, const char* who) {
  const std::vector<Members::Place> places = Members::of(net);
  std::vector<const TensorImpl*> fitting;
  for (const Members::Place& p : places)
    if (p.is_parameter() && internal::fits_pattern(p.path, pattern)) fitting.push_back(&p.tensor().impl());
  if (fitting.empty())
    throw ValueError(fmt::format("{}: no parameter of {} fits '{}'; {}", who, net.kind(), printable(pattern),
                                 names_of(places, false)));
  std::vector<std::string> changed;
  for (NamedTensor& p : net.parameters()) {
    if (std::find(fitting.begin(), fitting.end(), &p.tensor.impl()) == fitting.end()) continue;
    p.tensor.set_requires_grad(on);
    changed.push_back(p.name);
  }
  return changed;
}

}  // namespace

std::vector<std::string> freeze(ModuleBase& net, std::string_view pattern) {
  return set_trained(net, pattern, false, "freeze");
}
std::vector<std::string> unfreeze(ModuleBase& net, std::string_view pattern) {
  return set_trained(net, pattern, true, "unfreeze");
}

// --- converting and copying ------------------------------------------------------------------------------------------

void to(ModuleBase& net, DType dtype) {
  if (!is_floating(dtype))
    throw ValueError(fmt::format("to: a network computes with float32 or float64, not {}", name_of(dtype)));
  struct Change {
    Tensor tensor, values, gradient;
  };
  const NoGrad values_only;
  std::vector<Change> changes;  // all memory is taken first, so that running out of it changes nothing
  for (const NamedTensor& t : net.state()) {
    if (!is_floating(t.tensor.dtype()) || t.tensor.dtype() == dtype) continue;
    Tensor values = internal::copied(to(t.tensor.detach(), dtype));
    internal::move_outside(values.impl());
    changes.push_back({t.tensor, values, t.tensor.has_grad() ? to(t.tensor.grad(), dtype) : Tensor()});
  }
  for (Change& change : changes) {
    // The header stays and takes over the new buffer, so that every handle sees it. Its version goes on: a graph that
    // saved the old values says that they were changed.
    TensorImpl& now = change.tensor.impl();
    TensorImpl& next = change.values.impl();
    next.storage->version = now.version() + 1;
    next.storage->writer = {"to", SourceLocation()};
    change.tensor.set_grad(Tensor());
    now.dtype = dtype;
    now.data = next.data;
    now.storage = next.storage;
    if (now.has_axes) now.set_strides(next.strides());
    if (change.gradient.defined()) change.tensor.set_grad(change.gradient);
  }
}

void copy_state(const ModuleBase& from, ModuleBase& to) {
  const std::vector<NamedTensor> source = from.state(), target = to.state();
  std::map<std::string, const Tensor*> by_name;
  for (const NamedTensor& t : source) by_name.emplace(t.name, &t.tensor);
  std::string faults;
  const auto fault = [&](const std::string& text) { faults += (faults.empty() ? "" : "; ") + text; };
  std::vector<const Tensor*> values;
  for (const NamedTensor& t : target) {
    const auto found = by_name.find(t.name);
    if (found == by_name.end()) {
      fault(fmt::format("the first has no '{}'", t.name));
      continue;
    }
    const Tensor& value = *found->second;
    if (value.shape() != t.tensor.shape())
      fault(fmt::format("'{}' has shape {} there and {} here", t.name, to_string(value.shape()),
                        to_string(t.tensor.shape())));
    else if (value.dtype() != t.tensor.dtype())
      fault(fmt::format("'{}' holds {} there and {} here", t.name, name_of(value.dtype()), name_of(t.tensor.dtype())));
    values.push_back(&value);
    by_name.erase(found);
  }
  for (const NamedTensor& t : source)
    if (by_name.count(t.name)) fault(fmt::format("the second has no '{}'", t.name));
  if (!faults.empty())
    throw ValueError(fmt::format("copy_state: {} and {} are not alike: {}", from.kind(), to.kind(), faults));

  const NoGrad in_place;
  for (std::size_t i = 0; i < target.size(); ++i) {
    Tensor into = target[i].tensor;
    if (into.is(*values[i])) continue;
    if (!into.is_contiguous()) {
      into.copy_(*values[i]);
      continue;
    }
    const Tensor value = dense(values[i]->detach());
    const auto bytes = static_cast<std::size_t>(value.numel()) * item_size(value.dtype());
    if (bytes > 0) std::memmove(into.mutable_data("copy_state"), value.data(), bytes);
  }
}

// --- other tensors ---------------------------------------------------------------------------------------------------

void tie(ModuleBase& net, std::string_view name, std::string_view as) {
  const std::vector<Members::Place> places = Members::of(net);
  const Tensor old = place_of(places, name, "tie", net, false).tensor();
  const Tensor kept = place_of(places, as, "tie", net, false).tensor();
  if (old.shape() != kept.shape() || old.dtype() != kept.dtype())
    throw ValueError(fmt::format("tie: '{}' is {} {} and '{}' {} {}; tied parameters are alike", name,
                                 name_of(old.dtype()), to_string(old.shape()), as, name_of(kept.dtype()),
                                 to_string(kept.shape())));
  for (const Members::Place& p : places)
    if (p.tensor().is(old)) p.put(kept);
  Members::changed();
}

namespace internal {

struct Replaced::Swap {
  Members::Place place;
  Tensor other;  // the one that does not stand there now
};

Replaced::Replaced(ModuleBase& net, const std::vector<NamedTensor>& tensors) {
  const std::vector<Members::Place> places = Members::of(net);
  std::map<const TensorImpl*, std::string> known;
  for (const NamedTensor& t : tensors) {
    const Tensor& old = place_of(places, t.name, "functional_call", net, true).tensor();
    const auto [first, is_new] = known.try_emplace(&old.impl(), t.name);
    if (!is_new)
      throw ValueError(
          fmt::format("functional_call: '{}' and '{}' are the same tensor; give one", first->second, t.name));
    if (!t.tensor.defined())
      throw ValueError(fmt::format("functional_call: the tensor for '{}' is an empty handle", t.name));
    if (t.tensor.shape() != old.shape())
      throw ShapeError(fmt::format("functional_call: '{}' has shape {}, not {}", t.name, to_string(old.shape()),
                                   to_string(t.tensor.shape())));
    if (t.tensor.dtype() != old.dtype())
      throw ValueError(fmt::format("functional_call: '{}' holds {}, not {}", t.name, name_of(old.dtype()),
                                   name_of(t.tensor.dtype())));
    for (const Members::Place& p : places) {
      const auto is_listed = [&](const Swap& s) { return s.place.member == p.member; };
      if (p.tensor().is(old) && std::none_of(swaps_.begin(), swaps_.end(), is_listed)) swaps_.push_back({p, t.tensor});
    }
  }
  swap_all();
}

Replaced::~Replaced() { swap_all(); }

void Replaced::swap_all() {
  for (Swap& s : swaps_) {
    const Tensor now = s.place.tensor();
    s.place.put(s.other);
    s.other = now;
  }
}

}  // namespace internal
}  // namespace chainrule
