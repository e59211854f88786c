#pragma once

#include <cstddef>

// Only plain structs here: kernel files are compiled with different instruction sets and must not share
// inline functions.
namespace thaw::regression {

/** Rows of a panel: a matrix [n, columns] is stored as [panels, columns, 32], zero rows behind the last. */
inline constexpr std::size_t panelRows = 32;

struct Panels {
  const double* values;
  std::size_t panels;
  std::size_t columns;
};

/** Logistic loss Σ sᵢ · log(1 + exp(−yᵢ zᵢ)), z = X · coefficients, and what Newton's method needs of it. */
struct LossRequest {
  Panels x;
  const double* signs;         ///< [panels × 32] yᵢ: 1, −1, or 0 for rows that do not count
  double positiveWeight;       ///< sᵢ where yᵢ = 1
  double negativeWeight;       ///< sᵢ where yᵢ = −1
  const double* coefficients;  ///< [columns]
  double* gradient;            ///< out [columns] −Σ sᵢ yᵢ σ(−yᵢ zᵢ) xᵢ
  double* curvature;           ///< out [panels × 32] sᵢ σ(zᵢ) σ(−zᵢ)
  double* scratch;             ///< [columns × 8]
};

struct Kernels {
  const char* name;
  /** out [panels × 32] = X · coefficients */
  void (*product)(const Panels& x, const double* coefficients, double* out);
  /** Returns the loss. */
  double (*loss)(const LossRequest&);
  /** out [columns × columns] = Xᵀ · diag(weights) · X; weights [panels × 32]. */
  void (*gram)(const Panels& x, const double* weights, double* out);
  /**
   * Upper triangle R of A = Rᵀ · R in place of A's, row-major [size × size], with inverses on the diagonal;
   * what is below it is of no use afterwards. A pivot below `smallest` becomes that.
   */
  void (*factor)(double* matrix, std::size_t size, double smallest);
  /** x = A⁻¹ · x by such a triangle. */
  void (*solve)(const double* triangle, std::size_t size, double* x);
  double (*dot)(const double* a, const double* b, std::size_t size);
  /** y += scale · x */
  void (*add)(double scale, const double* x, double* y, std::size_t size);
  /** 2 · number of values above `score` + number of equal ones. */
  std::size_t (*doubledWins)(double score, const double* values, std::size_t size);
};

/** The fastest kernels that this machine can run; THAW_ISA=generic|avx2|avx512 chooses by name. */
const Kernels& kernels();

/** All kernels that this machine can run, the slowest first. */
struct KernelList {
  const Kernels* kernels[3];
  std::size_t count;
};
KernelList availableKernels();

extern const Kernels kernelsGeneric;
extern const Kernels kernelsAvx2;
extern const Kernels kernelsAvx512;

}  // namespace thaw::regression
