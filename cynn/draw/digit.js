// From a drawing to an image as those of MNIST are (LeCun, Cortes and Burges, The MNIST database): the
// digit fits a box of 20 x 20 pixels, and its centre of mass is, to the pixel, that of 28 x 28.

const SIDE = 28;
const BOX = 20;

// The ink's bounds, and its centre of mass; none of a blank drawing.
function boundsOf(ink, width) {
  const found = { left: Infinity, top: Infinity, right: 0, bottom: 0, x: 0, y: 0, sum: 0 };
  ink.forEach((amount, i) => {
    if (amount === 0) return;
    const x = i % width;
    const y = (i - x) / width;
    found.left = Math.min(found.left, x);
    found.top = Math.min(found.top, y);
    found.right = Math.max(found.right, x + 1);
    found.bottom = Math.max(found.bottom, y + 1);
    found.x += amount * (x + 0.5);
    found.y += amount * (y + 0.5);
    found.sum += amount;
  });
  if (found.sum === 0) return null;
  return { ...found, x: found.x / found.sum, y: found.y / found.sum };
}

// Where the box begins on an axis: the centre of mass in the middle, and no ink beyond the edge.
function beginOf(low, high, centre, scale) {
  const begin = Math.round(SIDE / 2 - (centre - low) * scale);
  return Math.max(0, Math.min(begin, Math.floor(SIDE - (high - low) * scale)));
}

// `ink` holds 0 to 255 for each of `width` x `width` points, `width` at least 56; the image 784 bytes,
// each the mean of the ink that falls on it. What is smaller than half the paper's box is not drawn out
// to 20 pixels: its lines would be too wide.
function imageOf(ink, width) {
  const bounds = boundsOf(ink, width);
  if (!bounds) return new Uint8Array(SIDE * SIDE);
  const { left, top, right, bottom } = bounds;
  const scale = BOX / Math.max(right - left, bottom - top, (width * BOX) / SIDE / 2);
  const beginX = beginOf(left, right, bounds.x, scale);
  const beginY = beginOf(top, bottom, bounds.y, scale);
  const sums = new Float64Array(SIDE * SIDE);
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const amount = ink[y * width + x];
      if (amount === 0) continue;
      for (const [row, tall] of shares(beginY + (y - top) * scale, scale)) {
        for (const [column, wide] of shares(beginX + (x - left) * scale, scale)) {
          sums[row * SIDE + column] += amount * tall * wide;
        }
      }
    }
  }
  return Uint8Array.from(sums, (sum) => Math.min(255, Math.round(sum)));
}

// The one or two pixels on which a point from `begin` on of that size falls, with how much of each.
function shares(begin, size) {
  const first = Math.min(Math.floor(begin), SIDE - 1);
  const inside = Math.min(size, first + 1 - begin);
  return inside < size && first + 1 < SIDE
    ? [[first, inside], [first + 1, size - inside]]
    : [[first, inside]];
}
