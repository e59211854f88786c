#pragma once

#include "regression/kernels.h"

// The kernels, written once over vectors of `lanes` doubles, which the including file has defined. Everything
// has internal linkage and nothing of the standard library that has a body is used: these files are compiled
// once for every instruction set, and the linker must not mix them.

#define THAW_UNROLL _Pragma("GCC unroll 32")

namespace thaw::regression {
namespace {

typedef double Vector __attribute__((vector_size(lanes * sizeof(double))));
typedef double Unaligned __attribute__((vector_size(lanes * sizeof(double)), aligned(sizeof(double))));
typedef long long Bits __attribute__((vector_size(lanes * sizeof(double))));

/** Vectors of a block of rows, of which a panel has one or several. */
constexpr int blockVectors = 4;
constexpr int blockRows = blockVectors * lanes;
constexpr std::size_t blocks = panelRows / blockRows;

inline Vector load(const double* p) {
  return *reinterpret_cast<const Unaligned*>(p);
}
inline void store(double* p, Vector a) {
  *reinterpret_cast<Unaligned*>(p) = a;
}
inline Vector set(double a) {
  return a - Vector{};
}
/** In pairs, which wait less for each other. */
template <int first = 0, int count = lanes>
inline double sum(Vector a) {
  if constexpr (count == 1)
    return a[first];
  else
    return sum<first, count / 2>(a) + sum<first + count / 2, count / 2>(a);
}

/** exp(x) for x ≤ 0, relative error below 3e-16: 2ⁿ · exp(r), |r| ≤ ln 2 / 2, Taylor's series to r¹³. */
inline Vector expNegative(Vector x) {
  const Vector clamped = x < set(-700.0) ? set(-700.0) : x;
  const Vector shift = set(6755399441055744.0);  // 1.5 · 2⁵²: the sum's low bits are the rounded integer
  const Vector shifted = clamped * 1.4426950408889634 + shift;
  const Vector n = shifted - shift;
  const Vector r = (clamped - n * 6.93147180369123816490e-01) - n * 1.90821492927058770002e-10;
  Vector series = set(1.0 / 6227020800.0);
  series = series * r + 1.0 / 479001600.0;
  series = series * r + 1.0 / 39916800.0;
  series = series * r + 1.0 / 3628800.0;
  series = series * r + 1.0 / 362880.0;
  series = series * r + 1.0 / 40320.0;
  series = series * r + 1.0 / 5040.0;
  series = series * r + 1.0 / 720.0;
  series = series * r + 1.0 / 120.0;
  series = series * r + 1.0 / 24.0;
  series = series * r + 1.0 / 6.0;
  series = series * r + 0.5;
  series = series * r + 1.0;
  series = series * r + 1.0;
  return (Vector)((Bits)series + ((Bits)shifted << 52));
}

/** z of one block of rows; `x` points to its first row. */
inline void blockProduct(const double* x, const double* coefficients, std::size_t columns,
                         Vector (&z)[blockVectors]) {
  Vector even[blockVectors] = {}, odd[blockVectors] = {};
  std::size_t column = 0;
  for (; column + 1 < columns; column += 2) {
    const Vector a = set(coefficients[column]), b = set(coefficients[column + 1]);
    THAW_UNROLL for (int v = 0; v < blockVectors; v++) {
      even[v] += a * load(x + column * panelRows + v * lanes);
      odd[v] += b * load(x + (column + 1) * panelRows + v * lanes);
    }
  }
  if (column < columns) {
    const Vector a = set(coefficients[column]);
    THAW_UNROLL for (int v = 0; v < blockVectors; v++) even[v] +=
        a * load(x + column * panelRows + v * lanes);
  }
  THAW_UNROLL for (int v = 0; v < blockVectors; v++) z[v] = even[v] + odd[v];
}

void product(const Panels& x, const double* coefficients, double* out) {
  for (std::size_t panel = 0; panel < x.panels; panel++)
    for (std::size_t block = 0; block < blocks; block++) {
      Vector z[blockVectors];
      blockProduct(x.values + panel * x.columns * panelRows + block * blockRows, coefficients, x.columns, z);
      THAW_UNROLL for (int v = 0; v < blockVectors; v++)
          store(out + panel * panelRows + block * blockRows + v * lanes, z[v]);
    }
}

/** Sums over the rows seen; Π (1 + exp(−|yz|)) stands for the sum of its logarithms until `settle`. */
struct LossSums {
  Vector linear = {};
  Vector positive = set(1.0);
  Vector negative = set(1.0);
  double logarithms = 0;

  void settle(const LossRequest& request) {
    THAW_UNROLL for (int lane = 0; lane < lanes; lane++) {
      logarithms += request.positiveWeight * __builtin_log(positive[lane]);
      logarithms += request.negativeWeight * __builtin_log(negative[lane]);
    }
    positive = negative = set(1.0);
  }
};

/** Puts −s · y · σ(−y z) in place of z, and the curvature out. */
inline void residuals(const LossRequest& request, std::size_t row, Vector (&z)[blockVectors],
                      LossSums& sums) {
  const Vector zero = {}, one = set(1.0);
  const Vector positiveWeight = set(request.positiveWeight), negativeWeight = set(request.negativeWeight);
  THAW_UNROLL for (int v = 0; v < blockVectors; v++) {
    const Vector y = load(request.signs + row + v * lanes);
    const Vector margin = y * z[v];
    const Vector weight = y > zero ? positiveWeight : (y < zero ? negativeWeight : zero);
    const Vector e = expNegative(margin < zero ? margin : -margin);
    const Vector sumOfTwo = one + e;
    const Vector inverse = one / sumOfTwo;
    sums.linear += weight * (margin < zero ? -margin : zero);
    sums.positive *= y > zero ? sumOfTwo : one;
    sums.negative *= y < zero ? sumOfTwo : one;
    z[v] = -(weight * y) * ((margin < zero ? one : e) * inverse);
    store(request.curvature + row + v * lanes, weight * e * inverse * inverse);
  }
}

double loss(const LossRequest& request) {
  const Panels& x = request.x;
  // A factor is at most 2: what 32 panels multiply stays below 2⁵¹².
  constexpr std::size_t panelsBetweenLogarithms = 32;
  for (std::size_t column = 0; column < x.columns; column++)
    store(request.scratch + column * lanes, Vector{});
  LossSums sums;
  for (std::size_t panel = 0; panel < x.panels; panel++) {
    for (std::size_t block = 0; block < blocks; block++) {
      const double* first = x.values + panel * x.columns * panelRows + block * blockRows;
      Vector r[blockVectors];
      blockProduct(first, request.coefficients, x.columns, r);
      residuals(request, panel * panelRows + block * blockRows, r, sums);
      for (std::size_t column = 0; column < x.columns; column++) {
        const double* values = first + column * panelRows;
        double* sumOfColumn = request.scratch + column * lanes;
        const Vector left = load(sumOfColumn) + r[0] * load(values) + r[1] * load(values + lanes);
        const Vector right = r[2] * load(values + 2 * lanes) + r[3] * load(values + 3 * lanes);
        store(sumOfColumn, left + right);
      }
    }
    if ((panel + 1) % panelsBetweenLogarithms == 0) sums.settle(request);
  }
  sums.settle(request);
  for (std::size_t column = 0; column < x.columns; column++)
    request.gradient[column] = sum(load(request.scratch + column * lanes));
  return sum(sums.linear) + sums.logarithms;
}

/** Entries [row …, column …] of the Gram matrix over some panels. */
template <int rows, int columns>
void gramTile(const Panels& x, const double* weights, std::size_t firstPanel, std::size_t lastPanel,
              std::size_t row, std::size_t column, double (&out)[rows][columns]) {
  Vector sums[rows][columns] = {};
  for (std::size_t panel = firstPanel; panel < lastPanel; panel++) {
    const double* values = x.values + panel * x.columns * panelRows;
    for (std::size_t at = 0; at < panelRows; at += lanes) {
      const Vector weight = load(weights + panel * panelRows + at);
      Vector weighted[rows];
      THAW_UNROLL for (int i = 0; i < rows; i++) weighted[i] =
          weight * load(values + (row + i) * panelRows + at);
      THAW_UNROLL for (int j = 0; j < columns; j++) {
        const Vector b = load(values + (column + j) * panelRows + at);
        THAW_UNROLL for (int i = 0; i < rows; i++) sums[i][j] += weighted[i] * b;
      }
    }
  }
  THAW_UNROLL for (int i = 0; i < rows; i++) THAW_UNROLL for (int j = 0; j < columns; j++) out[i][j] =
      sum(sums[i][j]);
}

/** Tiles at the edge are moved back to end there; what another tile has already summed is not taken again. */
template <int rows, int columns>
void gramOf(const Panels& x, const double* weights, double* out) {
  const std::size_t size = x.columns;
  constexpr std::size_t cachedPanels = 64;
  for (std::size_t i = 0; i < size * size; i++) out[i] = 0;
  for (std::size_t panel = 0; panel < x.panels; panel += cachedPanels) {
    const std::size_t last = panel + cachedPanels < x.panels ? panel + cachedPanels : x.panels;
    for (std::size_t row = 0; row < size; row += rows) {
      const std::size_t tileRow = row + rows <= size ? row : size - rows;
      for (std::size_t column = 0; column < row + rows && column < size; column += columns) {
        const std::size_t tileColumn = column + columns <= size ? column : size - columns;
        double tile[rows][columns];
        gramTile<rows, columns>(x, weights, panel, last, tileRow, tileColumn, tile);
        for (std::size_t i = row - tileRow; i < rows; i++)
          for (std::size_t j = column - tileColumn; j < columns; j++)
            out[(tileRow + i) * size + tileColumn + j] += tile[i][j];
      }
    }
  }
  for (std::size_t i = 0; i < size; i++)
    for (std::size_t j = 0; j < i; j++) out[j * size + i] = out[i * size + j];
}

void gram(const Panels& x, const double* weights, double* out) {
  constexpr std::size_t largest = tileRows > tileColumns ? tileRows : tileColumns;
  if (x.columns >= largest)
    gramOf<tileRows, tileColumns>(x, weights, out);
  else
    gramOf<1, 1>(x, weights, out);
}

double dot(const double* a, const double* b, std::size_t size) {
  Vector first = {}, second = {};
  std::size_t i = 0;
  for (; i + 2 * lanes <= size; i += 2 * lanes) {
    first += load(a + i) * load(b + i);
    second += load(a + i + lanes) * load(b + i + lanes);
  }
  double total = sum(first + second);
  for (; i < size; i++) total += a[i] * b[i];
  return total;
}

void add(double scale, const double* __restrict x, double* __restrict y, std::size_t size) {
  for (std::size_t i = 0; i < size; i++) y[i] += scale * x[i];
}

/** Rows that are taken from the rest, or solved for, together. */
constexpr std::size_t step = 4;

/** row −= Σ scales[k] · the k-th of `step` rows of `above`, from `first` on; up to a vector too early. */
inline void takeRows(const double* __restrict above, const double (&scales)[step], std::size_t size,
                     std::size_t first, double* __restrict row) {
  const double *b = above + size, *c = b + size, *d = c + size;
  const Vector p = set(scales[0]), q = set(scales[1]), r = set(scales[2]), s = set(scales[3]);
  std::size_t j = first / lanes * lanes;
  for (; j + lanes <= size; j += lanes)
    store(row + j,
          load(row + j) - ((p * load(above + j) + q * load(b + j)) + (r * load(c + j) + s * load(d + j))));
  for (; j < size; j++)
    row[j] -= (scales[0] * above[j] + scales[1] * b[j]) + (scales[2] * c[j] + scales[3] * d[j]);
}

void factor(double* matrix, std::size_t size, double smallest) {
  for (std::size_t first = 0; first < size; first += step) {
    const std::size_t last = first + step < size ? first + step : size;
    for (std::size_t k = first; k < last; k++) {
      double* row = matrix + k * size;
      for (std::size_t before = first; before < k; before++) {
        const double* above = matrix + before * size;
        add(-above[k], above + k, row + k, size - k);
      }
      const double inverse = 1 / __builtin_sqrt(row[k] > smallest ? row[k] : smallest);
      row[k] = inverse;
      for (std::size_t i = k + 1; i < size; i++) row[i] *= inverse;
    }
    if (last - first < step) return;
    const double* above = matrix + first * size;
    for (std::size_t i = last; i < size; i++)
      takeRows(above, {above[i], above[i + size], above[i + 2 * size], above[i + 3 * size]}, size, i,
               matrix + i * size);
  }
}

/** x = R⁻ᵀ · x */
inline void solveForward(const double* triangle, std::size_t size, double* x) {
  std::size_t k = 0;
  for (; k + step <= size; k += step) {
    const double* above = triangle + k * size;
    for (std::size_t i = 0; i < step; i++) {
      x[k + i] *= above[i * size + k + i];
      for (std::size_t j = i + 1; j < step; j++) x[k + j] -= x[k + i] * above[i * size + k + j];
    }
    const double *a = above, *b = a + size, *c = b + size, *d = c + size;
    const double p = x[k], q = x[k + 1], r = x[k + 2], s = x[k + 3];
    for (std::size_t j = k + step; j < size; j++) x[j] -= (p * a[j] + q * b[j]) + (r * c[j] + s * d[j]);
  }
  for (; k < size; k++) {
    x[k] *= triangle[k * size + k];
    add(-x[k], triangle + k * size + k + 1, x + k + 1, size - k - 1);
  }
}

/** x = R⁻¹ · x */
inline void solveBackward(const double* triangle, std::size_t size, double* x) {
  std::size_t end = size;
  for (; end % step != 0; end--) {
    const std::size_t k = end - 1;
    x[k] = (x[k] - dot(triangle + k * size + end, x + end, size - end)) * triangle[k * size + k];
  }
  for (; end > 0; end -= step) {
    const double* rows = triangle + (end - step) * size;
    Vector sums[step] = {};
    double rest[step];
    std::size_t j = end;
    for (; j + lanes <= size; j += lanes) {
      const Vector value = load(x + j);
      THAW_UNROLL for (std::size_t i = 0; i < step; i++) sums[i] += load(rows + i * size + j) * value;
    }
    THAW_UNROLL for (std::size_t i = 0; i < step; i++) rest[i] = sum(sums[i]);
    for (; j < size; j++)
      for (std::size_t i = 0; i < step; i++) rest[i] += rows[i * size + j] * x[j];
    for (std::size_t i = step; i-- > 0;) {
      const std::size_t k = end - step + i;
      for (std::size_t later = i + 1; later < step; later++)
        rest[i] += rows[i * size + end - step + later] * x[end - step + later];
      x[k] = (x[k] - rest[i]) * rows[i * size + k];
    }
  }
}

void solve(const double* triangle, std::size_t size, double* x) {
  solveForward(triangle, size, x);
  solveBackward(triangle, size, x);
}

std::size_t doubledWins(double score, const double* values, std::size_t size) {
  const Vector against = set(score);
  Bits wins = {};
  std::size_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    const Vector value = load(values + i);
    wins -= (Bits)(value > against) + (Bits)(value >= against);
  }
  std::size_t total = 0;
  THAW_UNROLL for (int lane = 0; lane < lanes; lane++) total += static_cast<std::size_t>(wins[lane]);
  for (; i < size; i++) total += (values[i] > score) + (values[i] >= score);
  return total;
}

}  // namespace
}  // namespace thaw::regression
