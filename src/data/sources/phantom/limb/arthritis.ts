import { clamp } from '../draws.js';
import type { LimbImage } from './compose.js';
import { distanceTo, type Part } from './shape.js';
import type { Bone, Joint } from './skeletons.js';

/** The bone moved into the worn joint's gap, with spurs at the joint's margins. */
export function wornBone(bone: Bone, index: number, { skeleton, arthritis }: LimbImage): Bone {
  const spurs: Part[] = [];
  let [moveX, moveY, weight] = [0, 0, 0];
  for (const { joint: number, grade } of arthritis) {
    const joint = skeleton.joints[number]!;
    const moves = joint.bone === index;
    if (moves) {
      const closed = joint.gap * clamp(0.24 * (grade - 0.5), 0, 0.9);
      moveX -= closed * Math.cos(joint.direction);
      moveY -= closed * Math.sin(joint.direction);
      weight++;
    }
    if (moves || touches(bone, joint)) spurs.push(...spursOf(bone, joint, grade, moves ? 1 : -1));
  }
  const parts =
    weight === 0 ? bone.parts : bone.parts.map((part) => moved(part, moveX / weight, moveY / weight));
  return { ...bone, parts: [...parts, ...spurs], blend: Math.max(bone.blend, spurs.length > 0 ? 0.15 : 0) };
}

/** Whether a bone ends at a joint. */
function touches({ parts, blend }: Bone, { x, y, gap }: Joint): boolean {
  return Math.abs(distanceTo(parts, blend, x, y)) < 1.5 * gap;
}

/** Spurs at both ends of the joint, where the bone reaches that far. */
function spursOf(bone: Bone, joint: Joint, grade: number, towards: 1 | -1): Part[] {
  const size = 0.16 * joint.halfWidth ** 0.6 * clamp(grade - 0.9, 0, 3);
  if (size < 0.02) return [];
  const { x, y, halfWidth, rim, direction } = joint;
  const [nx, ny] = [Math.cos(direction), Math.sin(direction)];
  const off = towards * (rim - 0.1 * size);
  const spurs = [-1, 1].map((end) => ({
    kind: 'ellipse' as const,
    x: x + nx * off - end * ny * halfWidth,
    y: y + ny * off + end * nx * halfWidth,
    a: 1.5 * size,
    b: 0.6 * size,
    angle: direction + Math.PI / 2,
  }));
  return spurs.filter(({ x, y }) => distanceTo(bone.parts, bone.blend, x, y) < 0.8 * size);
}

function moved(part: Part, dx: number, dy: number): Part {
  return part.kind === 'ellipse'
    ? { ...part, x: part.x + dx, y: part.y + dy }
    : { ...part, ax: part.ax + dx, ay: part.ay + dy, bx: part.bx + dx, by: part.by + dy };
}

/** Extra mineral beside worn joints. */
export function sclerosisOf(
  { skeleton, arthritis }: LimbImage,
  bone: number,
): (x: number, y: number) => number {
  const worn = arthritis.flatMap(({ joint, grade }) => {
    const { x, y, direction, halfWidth, ...at } = skeleton.joints[joint]!;
    const near = at.bone === bone || touches(skeleton.bones[bone]!, skeleton.joints[joint]!);
    if (!near || grade <= 0.8) return [];
    const [nx, ny] = [Math.cos(direction), Math.sin(direction)];
    return [{ x, y, nx, ny, halfWidth, reach: 0.25 + 0.25 * halfWidth, amount: 0.05 * (grade - 0.8) }];
  });
  return (x, y) => {
    let sum = 0;
    for (const joint of worn) {
      const dx = x - joint.x;
      const dy = y - joint.y;
      const away = (dx * joint.nx + dy * joint.ny) / joint.reach;
      const across = (dx * joint.ny - dy * joint.nx) / joint.halfWidth;
      const square = across * across;
      if (away * away < 7 && square < 3) sum += joint.amount * Math.exp(-away * away - square * square);
    }
    return sum;
  };
}
