# Writes delong.json: AUROC, DeLong's variances, covariances, intervals and tests by pROC, on data simulated here.
# Run: Rscript delong.R (R 4.2, pROC 1.18; Debian packages r-base-core r-cran-proc).
#
# First it checks pROC's own example aSAH (Turck et al. 2010), whose data stay in that package, against the published numbers.

suppressMessages(library(pROC))

data(aSAH)
published <- list(s100b = c(0.6301, 0.7314, 0.8326), ndka = c(0.5012, 0.6120, 0.7227))
for (name in names(published)) {
  found <- as.numeric(ci.auc(aSAH$outcome, aSAH[[name]], levels = c("Good", "Poor"), direction = "<"))
  stopifnot(all(abs(found - published[[name]]) < 5e-5))
}

number <- function(x) ifelse(is.na(x), "null", trimws(formatC(x, digits = 15, format = "g")))
array <- function(x) paste0("[", paste(number(x), collapse = ","), "]")

study <- function(name, positives, negatives, round_to, shifts) {
  targets <- sample(c(rep(1, positives), rep(0, negatives)))
  common <- rnorm(length(targets))
  scores <- lapply(shifts, function(shift) {
    x <- shift * targets + 0.7 * common + rnorm(length(targets))
    round(x / round_to) * round_to
  })
  rocs <- lapply(scores, function(s) {
    roc(targets, s, levels = c(0, 1), direction = "<", quiet = TRUE)
  })
  raters <- mapply(function(s, r) {
    sprintf(
      '{"scores":%s,"auroc":%s,"variance":%s,"interval95":%s,"interval80":%s}',
      array(s), number(as.numeric(auc(r))), number(var(r, method = "delong")),
      array(as.numeric(ci.auc(r, method = "delong"))[c(1, 3)]),
      array(as.numeric(ci.auc(r, method = "delong", conf.level = 0.8))[c(1, 3)])
    )
  }, scores, rocs)
  pairs <- combn(length(rocs), 2, function(k) {
    test <- roc.test(rocs[[k[1]]], rocs[[k[2]]], method = "delong", paired = TRUE)
    sprintf(
      '{"raters":[%d,%d],"covariance":%s,"z":%s,"p":%s,"interval95":%s}',
      k[1] - 1, k[2] - 1, number(cov(rocs[[k[1]]], rocs[[k[2]]], method = "delong")),
      number(as.numeric(test$statistic)), number(test$p.value), array(as.numeric(test$conf.int))
    )
  })
  sprintf(
    '{"name":"%s","targets":%s,"raters":[%s],"pairs":[%s]}',
    name, array(targets), paste(raters, collapse = ","), paste(pairs, collapse = ",")
  )
}

set.seed(20201211)
studies <- c(
  study("balanced", 40, 45, 0.001, c(1, 0.6, 0)),
  study("few positives", 6, 110, 0.001, c(1.5, 0.8)),
  study("ties", 50, 70, 0.5, c(1, 1.2, 0.4)),
  study("worse than chance", 20, 30, 0.01, c(-1, 0.3)),
  study("two of each", 2, 2, 0.1, c(0.2, 0.1))
)
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))
writeLines(
  sprintf('{"pROC":"%s","studies":[%s]}', packageVersion("pROC"), paste(studies, collapse = ",")),
  file.path(here, "delong.json")
)
