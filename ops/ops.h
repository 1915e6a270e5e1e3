// Every operation, by family. Names, arguments and defaults follow torch and torch.nn.functional. Operands are tensors
// or plain numbers; a number takes the dtype of the tensor beside it. Shapes that do not fit throw ShapeError,
// arguments out of range ValueError. How each is differentiated stands beside its forward in the family's file; edge
// values and kinks are in ops/README.md.
#pragma once

#include "ops/arithmetic.h"
#include "ops/arrangement.h"
#include "ops/indexing.h"
#include "ops/linalg.h"
#include "ops/losses.h"
#include "ops/norms.h"
#include "ops/pointwise.h"
#include "ops/pooling.h"
#include "ops/products.h"
#include "ops/reductions.h"
#include "ops/resize.h"
#include "ops/shape_ops.h"
#include "ops/sorting.h"
#include "ops/windows.h"
