/**
 * Linear attenuation coefficients in 1/cm at 60 keV, about the effective energy of a chest beam (110 to 125 kVp) behind the
 * patient: mass attenuation coefficients (cm²/g) of Hubbell & Seltzer, NISTIR 5632, tables 3 and 4 (ICRU-44 tissues), times
 * densities (g/cm³); the lung's is that of inflated lung.
 */
export const ATTENUATION = {
  softTissue: 0.2048 * 1.06,
  adipose: 0.1974 * 0.95,
  lung: 0.2053 * 0.26,
  corticalBone: 0.3148 * 1.92,
  iron: 1.205 * 7.874,
  copper: 1.593 * 8.96,
} as const;

/** The same at 40 keV, about the effective energy of a limb beam (50 to 60 kVp). */
export const LIMB_ATTENUATION = {
  muscle: 0.2685 * 1.05,
  corticalBone: 0.6655 * 1.92,
} as const;

/** Mineral's share of the volume of trabecular bone; the rest is marrow, taken for soft tissue. */
export const TRABECULAR_SHARE = 0.16;

/** What 1 cm of a material adds where it takes the place of 1 cm of soft tissue. */
export const OVER_SOFT_TISSUE = {
  corticalBone: ATTENUATION.corticalBone - ATTENUATION.softTissue,
  trabecularBone: TRABECULAR_SHARE * (ATTENUATION.corticalBone - ATTENUATION.softTissue),
  air: -ATTENUATION.softTissue,
} as const;
