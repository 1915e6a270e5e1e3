// Inner header: for our own sources, not installed.
// How loops that are compiled once per instruction set reach the rest of the library. A header declares a table of
// pointers to them,
//     template <class T>
//     struct FoldLoops {
//       void (*rows)(const T* x, ...);
//       static const FoldLoops& fastest();  // for the instruction set of this machine; T is float or double
//     };
// the source fills `template <class T> constexpr FoldLoops<T> kLoops{rows<T>}` in HWY_NAMESPACE, followed by
// CHAINRULE_LOOPS(FoldLoops), and says CHAINRULE_EXPORT_LOOPS(FoldLoops) once, under HWY_ONCE.
#pragma once

#include <type_traits>

#include "ops/kernels/simd/instruction_set.h"

/// Highway exports functions, not templates: one for each type.
#define CHAINRULE_LOOPS(Table)                                 \
  const Table<float>* float_loops() { return &kLoops<float>; } \
  const Table<double>* double_loops() { return &kLoops<double>; }

// NOLINTBEGIN(bugprone-macro-parentheses): it names a template
#define CHAINRULE_EXPORT_LOOPS(Table)                \
  HWY_EXPORT(float_loops);                           \
  HWY_EXPORT(double_loops);                          \
  template <class T>                                 \
  const Table<T>& Table<T>::fastest() {              \
    static const Table<T>* const chosen = [] {       \
      instruction_set(); /* may leave sets out */    \
      if constexpr (std::is_same_v<T, float>)        \
        return HWY_DYNAMIC_DISPATCH(float_loops)();  \
      else                                           \
        return HWY_DYNAMIC_DISPATCH(double_loops)(); \
    }();                                             \
    return *chosen;                                  \
  }                                                  \
  template struct Table<float>;                      \
  template struct Table<double>
// NOLINTEND(bugprone-macro-parentheses)
