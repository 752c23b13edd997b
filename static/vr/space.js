// Vectors, 4 × 4 matrices in column order as WebXR and WebGL keep them, and rays.

export const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const minus = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
export const along = (point, direction, metres) => point.map((part, axis) => part + direction[axis] * metres);
export const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
export const unit = (a) => along([0, 0, 0], a, 1 / (Math.hypot(...a) || 1));

/** The matrix that puts a unit square's sides along `x` and `y`, its front along `z` and its middle at `place`. */
export const placed = (x, y, z, place) => new Float32Array([...x, 0, ...y, 0, ...z, 0, ...place, 1]);

export function times(a, b) {
  const product = new Float32Array(16);
  for (let at = 0; at < 16; at += 1) {
    for (let step = 0; step < 4; step += 1) product[at] += a[(at % 4) + 4 * step] * b[(at & 12) + step];
  }
  return product;
}

/** The way a pose looks: from its place along its own -z. */
export const rayOf = ({ matrix: m }) => ({ from: [m[12], m[13], m[14]], way: unit([-m[8], -m[9], -m[10]]) });

/** The axes of one who looks `yaw` radians to the left and `pitch` up: right, up, back. */
export function axes(yaw, pitch) {
  const [s, c, up, flat] = [Math.sin(yaw), Math.cos(yaw), Math.sin(pitch), Math.cos(pitch)];
  return [[c, 0, -s], [s * up, flat, c * up], [s * flat, -up, c * flat]];
}
