# Writes wilcoxon.json: Wilcoxon's signed-rank test and the Hodges-Lehmann interval of R on differences without ties or zeros.
# Run: Rscript wilcoxon.R (R 4.2).

set.seed(1945)
number <- function(x) trimws(formatC(x, digits = 15, format = "g"))
array <- function(x) paste0("[", paste(number(x), collapse = ","), "]")

cases <- lapply(c(6, 7, 10, 20, 49), function(n) {
  d <- rnorm(n, mean = 0.4)
  # R warns and goes on where 95 % cannot be reached.
  test <- suppressWarnings(wilcox.test(d, conf.int = TRUE, exact = TRUE))
  narrow <- suppressWarnings(wilcox.test(d, conf.int = TRUE, exact = TRUE, conf.level = 0.8))
  sprintf(
    '{"differences":%s,"statistic":%s,"p":%s,"estimate":%s,"interval95":%s,"interval80":%s}',
    array(d), number(test$statistic), number(test$p.value), number(test$estimate),
    array(test$conf.int), array(narrow$conf.int)
  )
})
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))
writeLines(sprintf('{"R":"%s","cases":[%s]}', getRversion(), paste(cases, collapse = ",")), file.path(here, "wilcoxon.json"))
