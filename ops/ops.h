// Every operation, by family. Names, arguments and defaults follow torch and torch.nn.functional. Operands are tensors
// or plain numbers; a number takes the dtype of the tensor beside it. Shapes that do not fit throw ShapeError,
// arguments out of range ValueError. How each is differentiated stands beside its forward in the family's file; edge
// values and kinks are in ops/README.md.
#pragma once

#include "ops/elementwise/arithmetic.h"
#include "ops/elementwise/choices.h"
#include "ops/images/pooling.h"
#include "ops/images/resize.h"
#include "ops/images/windows.h"
#include "ops/matrix/linalg.h"
#include "ops/matrix/products.h"
#include "ops/network/losses.h"
#include "ops/network/norms.h"
#include "ops/reduce/reductions.h"
#include "ops/reduce/sorting.h"
#include "ops/shape/arrangement.h"
#include "ops/shape/indexing.h"
#include "ops/shape/views.h"
