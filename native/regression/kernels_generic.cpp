namespace thaw::regression {
namespace {
/** Doubles of a vector; rows and columns of a tile of the Gram matrix. */
constexpr int lanes = 2, tileRows = 2, tileColumns = 2;
}  // namespace
}  // namespace thaw::regression

#include "regression/kernels_of.h"

namespace thaw::regression {

const Kernels kernelsGeneric = {"generic", product, loss, gram, factor, solve, dot, add, doubledWins};

}  // namespace thaw::regression
