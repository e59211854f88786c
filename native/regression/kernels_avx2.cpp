namespace thaw::regression {
namespace {
/** Doubles of a vector; rows and columns of a tile of the Gram matrix. */
constexpr int lanes = 4, tileRows = 2, tileColumns = 4;
}  // namespace
}  // namespace thaw::regression

#include "regression/kernels_of.h"

namespace thaw::regression {

const Kernels kernelsAvx2 = {"avx2", product, loss, gram, factor, solve, dot, add, doubledWins};

}  // namespace thaw::regression
