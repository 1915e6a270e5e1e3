// Every operation, by family. Names, arguments and defaults follow torch and torch.nn.functional. Operands are tensors
// or plain numbers; a number takes the dtype of the tensor beside it. Shapes that do not fit throw ShapeError,
// arguments out of range ValueError. How each is differentiated stands beside its forward in the family's file; edge
// values and kinks are in ops/OPERATIONS.md.
#pragma once

#include "ops/elementwise/activations.h"
#include "ops/elementwise/arithmetic.h"
#include "ops/elementwise/choices.h"
#include "ops/elementwise/exponentials.h"
#include "ops/elementwise/logic.h"
#include "ops/elementwise/pairs.h"
#include "ops/elementwise/rounding.h"
#include "ops/elementwise/trigonometry.h"

#include "ops/reduce/deviations.h"
#include "ops/reduce/extremes.h"
#include "ops/reduce/reductions.h"
#include "ops/reduce/scans.h"
#include "ops/reduce/softmax.h"
#include "ops/reduce/sorting.h"

#include "ops/matrix/determinants.h"
#include "ops/matrix/einsum.h"
#include "ops/matrix/linalg.h"
#include "ops/matrix/products.h"
#include "ops/matrix/triangles.h"

#include "ops/shape/arrangement.h"
#include "ops/shape/indexing.h"
#include "ops/shape/padding.h"
#include "ops/shape/subscripts.h"
#include "ops/shape/views.h"

#include "ops/images/conv.h"
#include "ops/images/pooling.h"
#include "ops/images/resize.h"
#include "ops/images/windows.h"

#include "ops/network/attention.h"
#include "ops/network/losses.h"
#include "ops/network/norms.h"
