namespace thaw::regression {
namespace {
/** Doubles of a vector; rows and columns of a tile of the Gram matrix. */
constexpr int lanes = 8, tileRows = 5, tileColumns = 5;
}  // namespace
}  // namespace thaw::regression

#include "regression/kernels_of.h"

namespace thaw::regression {

const Kernels kernelsAvx512 = {"avx512", product, loss, gram, factor, solve, dot, add, doubledWins};

}  // namespace thaw::regression
