/** Makes docs/figures/phantoms.png, the gallery of docs/phantoms.md: `node --import tsx scripts/phantom-gallery.ts`. */
import { fileURLToPath } from 'node:url';
import sharp, { type OverlayOptions } from 'sharp';
import { FINDINGS, type Finding } from '../src/data/sources/phantom/chest/findings.js';
import { composeChest, renderChest } from '../src/data/sources/phantom/chest/render.js';
import { composeLimb } from '../src/data/sources/phantom/limb/compose.js';
import { renderLimb } from '../src/data/sources/phantom/limb/render.js';
import { LIMB_PARTS, type LimbPart } from '../src/data/sources/phantom/limb/skeletons.js';
import { renderTexture } from '../src/data/sources/phantom/textures/render.js';

const COLUMNS = 7;
const TILE = 152;
const CAPTION = 18;
const GAP = 4;
const TEXTURE = (COLUMNS * (TILE + GAP)) / 16 - 2;
const SEED = 11;

/** Images of middling to high severity, chosen by eye; those of most data sets are milder. */
const CHOSEN: Partial<Record<Finding, number>> = {
  ...{ Atelectasis: 103, Infiltration: 111, Nodule: 116, Pneumonia: 104 },
  ...{ Emphysema: 126, Fibrosis: 103, Pleural_Thickening: 109 },
};

interface Tile {
  readonly caption: string;
  readonly pixels: Uint8Array;
}

const tiles: Tile[] = [
  ...Array.from({ length: COLUMNS }, (_, i) => chest(`no finding ${i + 1}`, 10 + i, 10 + i)),
  ...FINDINGS.map((finding) =>
    chest(finding.replace('_', ' '), clearCase(finding), clearCase(finding), finding),
  ),
  ...LIMB_PARTS.flatMap((part) => [
    limb(part, 'sound'),
    limb(part, 'fracture'),
    limb(part, 'osteoarthritis'),
  ]).slice(0, 7),
];

function chest(caption: string, owner: number, row: number, ...present: Finding[]): Tile {
  const image = composeChest(
    SEED,
    owner,
    row,
    FINDINGS.map((finding) => present.includes(finding)),
  );
  return {
    caption: `${caption} (${image.patient.sex}, ${image.visit.view})`,
    pixels: renderChest(image, TILE),
  };
}

function clearCase(finding: Finding): number {
  return CHOSEN[finding] ?? 100 + FINDINGS.indexOf(finding);
}

function limb(part: LimbPart, what: 'sound' | 'fracture' | 'osteoarthritis'): Tile {
  const row = { wrist: 31, knee: 35, hand: 42 }[part];
  const findings = { fractured: what === 'fracture', osteoarthritis: what === 'osteoarthritis' };
  return {
    caption: `${part}: ${what}`,
    pixels: renderLimb(composeLimb(SEED, row, row, part, findings), TILE),
  };
}

function caption(text: string): Buffer {
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${TILE}" height="${CAPTION}"><text x="2" y="13" font-family="sans-serif" font-size="12" fill="#222">${text}</text></svg>`,
  );
}

/** 32 grey levels: the picture is a fourth of the size. */
function coarse(pixels: Uint8Array): Buffer {
  return Buffer.from(pixels.map((value) => Math.min(255, Math.round(value / 8) * 8)));
}

const parts: OverlayOptions[] = tiles.flatMap(({ caption: text, pixels }, i) => {
  const left = (i % COLUMNS) * (TILE + GAP);
  const top = Math.floor(i / COLUMNS) * (TILE + CAPTION + GAP);
  return [
    { input: caption(text), left, top },
    { input: coarse(pixels), raw: { width: TILE, height: TILE, channels: 1 }, left, top: top + CAPTION },
  ];
});
const top = Math.ceil(tiles.length / COLUMNS) * (TILE + CAPTION + GAP);
const side = Math.floor(TEXTURE);
for (let index = 0; index < 32; index++) {
  parts.push({
    input: coarse(renderTexture(SEED, index, index, side)),
    raw: { width: side, height: side, channels: 1 },
    left: Math.round((index % 16) * (TEXTURE + 2)),
    top: top + Math.floor(index / 16) * (side + 2),
  });
}
await sharp({
  create: { width: COLUMNS * (TILE + GAP), height: top + 2 * (side + 2), channels: 3, background: 'white' },
})
  .composite(parts)
  .toColourspace('b-w')
  .png({ compressionLevel: 9, adaptiveFiltering: false })
  .toFile(fileURLToPath(new URL('../docs/figures/phantoms.png', import.meta.url)));
