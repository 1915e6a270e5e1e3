// What an optimizer is given: parameters by name, in one list or in groups with options of their own.
#pragma once

#include <concepts>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/tensor.h"

namespace chainrule {

/// net.parameters(), a list of named tensors, or tensors alone, which are named "0", "1", ...
class Trainables {
 public:
  Trainables() = default;
  Trainables(std::vector<NamedTensor> named) : list_(std::move(named)) {}
  Trainables(std::initializer_list<NamedTensor> named) : list_(named) {}
  Trainables(const std::vector<Tensor>& tensors);
  Trainables(std::initializer_list<Tensor> tensors) : Trainables(std::vector<Tensor>(tensors)) {}
  std::vector<NamedTensor> take() && { return std::move(list_); }

 private:
  std::vector<NamedTensor> list_;
};

/// A prefix, and the parameters whose names it opens.
struct NamedGroup {
  std::string prefix;
  std::vector<NamedTensor> parameters;
};
/// The parameters of several modules as one list; a tensor that stands in two is listed once, under its first name:
/// Adam{join({{"encoder", encoder.parameters()}, {"decoder", decoder.parameters()}})}.
std::vector<NamedTensor> join(const std::vector<NamedGroup>& groups);

/// Parameters under one set of options, or groups of them, each with its own:
///   Adam{net.parameters(), {.lr = 1e-3}}
///   Adam{{{"body", body.parameters(), {.lr = 1e-4}}, {"head", head.parameters()}}, {.lr = 1e-3}}
/// A group without options takes those that follow the groups. Its name opens the names of its parameters, as in
/// "body.weight"; the empty name does not.
template <class Options>
class Groups {
 public:
  struct Group {
    Group(std::string n, Trainables p) : name(std::move(n)), parameters(std::move(p).take()) {}
    Group(std::string n, Trainables p, Options o) : Group(std::move(n), std::move(p)) { options = o; }
    std::string name;
    std::vector<NamedTensor> parameters;
    std::optional<Options> options;
  };
  Groups() : Groups(Trainables()) {}
  template <class List>
  // NOLINTNEXTLINE(bugprone-forwarding-reference-overload): what is required keeps copies and moves out
  requires std::convertible_to<List, Trainables> Groups(List&& list) {
    list_.push_back({"", Trainables(std::forward<List>(list))});
  }
  Groups(std::initializer_list<NamedTensor> named) : Groups(Trainables(named)) {}
  Groups(std::initializer_list<Tensor> tensors) : Groups(Trainables(tensors)) {}
  Groups(std::initializer_list<Group> groups) : list_(groups) {}
  Groups(std::vector<Group> groups) : list_(std::move(groups)) {}
  const std::vector<Group>& list() const { return list_; }

 private:
  std::vector<Group> list_;
};

}  // namespace chainrule
