#include <numeric>

#include "engine/random.h"
#include "regression/kernels.h"
#include "regression/panel_matrix.h"
#include "regression/roc.h"
#include "test/check.h"

using namespace thaw;
using namespace thaw::regression;

namespace {

struct Case {
  std::size_t rows;
  std::size_t columns;
  PanelMatrix x{rows, columns};
  std::vector<double> signs = std::vector<double>(x.paddedRows());
  std::vector<double> coefficients = std::vector<double>(columns);

  Case(std::size_t rows, std::size_t columns, double scale) : rows(rows), columns(columns) {
    RandomStream random(static_cast<std::uint32_t>(rows), static_cast<std::uint32_t>(columns));
    for (std::size_t row = 0; row < rows; row++) {
      signs[row] = random.uniform() < 0.3 ? 1 : -1;
      for (std::size_t column = 0; column < columns; column++) x.at(row, column) = 2 * random.uniform() - 1;
    }
    for (double& value : coefficients) value = scale * (2 * random.uniform() - 1);
  }

  double score(std::size_t row) const {
    double sum = 0;
    for (std::size_t column = 0; column < columns; column++) sum += x.at(row, column) * coefficients[column];
    return sum;
  }
};

const std::size_t shapes[][2] = {{1, 1}, {31, 2}, {32, 5}, {33, 6}, {100, 13}, {1100, 80}};

void forEachKernels(const std::function<void(const Kernels&)>& body) {
  const KernelList list = availableKernels();
  for (std::size_t i = 0; i < list.count; i++) body(*list.kernels[i]);
}

}  // namespace

TEST("loss, gradient, curvature and product are those of the formulas, also where exp would overflow") {
  forEachKernels([](const Kernels& kernels) {
    for (const auto& [rows, columns] : shapes)
      for (const double scale : {0.0, 1.0, 30.0, 3000.0}) {
        const Case one(rows, columns, scale);
        std::vector<double> gradient(columns), curvature(one.x.paddedRows()), scratch(columns * 8);
        std::vector<double> product(one.x.paddedRows()), expected(columns);
        const double weights[] = {0.7, 1.9};
        const double loss =
            kernels.loss({one.x.panels(), one.signs.data(), weights[1], weights[0], one.coefficients.data(),
                          gradient.data(), curvature.data(), scratch.data()});
        kernels.product(one.x.panels(), one.coefficients.data(), product.data());
        double sum = 0;
        for (std::size_t row = 0; row < rows; row++) {
          const double y = one.signs[row], weight = weights[y > 0], margin = y * one.score(row);
          const double e = std::exp(-std::abs(margin)), against = (margin < 0 ? 1 : e) / (1 + e);
          sum += weight * (std::max(-margin, 0.0) + std::log1p(e));
          CHECK_NEAR(product[row], one.score(row), 1e-12);
          CHECK_NEAR(curvature[row], weight * e / (1 + e) / (1 + e), 1e-12);
          for (std::size_t column = 0; column < columns; column++)
            expected[column] -= weight * y * against * one.x.at(row, column);
        }
        CHECK_NEAR(loss, sum, 1e-12);
        for (std::size_t column = 0; column < columns; column++)
          CHECK_NEAR(gradient[column], expected[column], 1e-11);
      }
  });
}

TEST("the Gram matrix is that of all pairs of columns, and its factor solves") {
  forEachKernels([](const Kernels& kernels) {
    for (const auto& [rows, columns] : shapes) {
      const Case one(rows, columns, 1);
      std::vector<double> weights(one.x.paddedRows()), gram(columns * columns);
      for (std::size_t row = 0; row < rows; row++) weights[row] = 0.1 + static_cast<double>(row % 7);
      kernels.gram(one.x.panels(), weights.data(), gram.data());
      for (std::size_t i = 0; i < columns; i++)
        for (std::size_t j = 0; j < columns; j++) {
          double sum = 0;
          for (std::size_t row = 0; row < rows; row++)
            sum += weights[row] * one.x.at(row, i) * one.x.at(row, j);
          CHECK_NEAR(gram[i * columns + j], sum, 1e-12);
        }
      for (std::size_t i = 0; i < columns; i++) gram[i * columns + i] += 1;
      std::vector<double> solution(columns, 0.0), triangle = gram;
      for (std::size_t i = 0; i < columns; i++)
        for (std::size_t j = 0; j < columns; j++) solution[i] += gram[i * columns + j] * one.coefficients[j];
      kernels.factor(triangle.data(), columns, 1e-12);
      kernels.solve(triangle.data(), columns, solution.data());
      for (std::size_t i = 0; i < columns; i++) CHECK_NEAR(solution[i], one.coefficients[i], 1e-10);
    }
  });
}

TEST("dot products, sums and won pairs for any length") {
  forEachKernels([](const Kernels& kernels) {
    for (std::size_t size = 0; size < 40; size++) {
      std::vector<double> a(size), b(size);
      double product = 0;
      std::size_t wins = 0;
      for (std::size_t i = 0; i < size; i++) {
        a[i] = static_cast<double>(i * 7 % 11) - 4;
        b[i] = static_cast<double>(i * 5 % 13);
        product += a[i] * b[i];
        wins += a[i] > 2 ? 2 : a[i] == 2 ? 1 : 0;
      }
      CHECK(kernels.dot(a.data(), b.data(), size) == product);
      CHECK(kernels.doubledWins(2, a.data(), size) == wins);
      kernels.add(3, a.data(), b.data(), size);
      for (std::size_t i = 0; i < size; i++) CHECK(b[i] == static_cast<double>(i * 5 % 13) + 3 * a[i]);
    }
  });
}

TEST("AUROC is the share of won pairs, for few and many rows, and has no value without both classes") {
  for (const std::size_t count : {2u, 9u, 300u, 2000u})
    for (const double levels : {4.0, 1e12}) {
      RandomStream random(static_cast<std::uint32_t>(count), 3);
      std::vector<double> scores(count);
      std::vector<std::uint8_t> positive(count);
      for (std::size_t i = 0; i < count; i++) {
        scores[i] = std::floor(random.uniform() * levels);
        positive[i] = i == 0 || (i > 1 && random.uniform() < 0.4);
      }
      double wins = 0, pairs = 0;
      for (std::size_t i = 0; i < count; i++)
        for (std::size_t j = 0; j < count; j++)
          if (positive[i] != 0 && positive[j] == 0) {
            wins += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
            pairs++;
          }
      CHECK_NEAR(regression::auroc(scores, positive), wins / pairs, 1e-14);
    }
  CHECK(std::isnan(regression::auroc(std::vector<double>{1, 2}, std::vector<std::uint8_t>{1, 1})));
}
