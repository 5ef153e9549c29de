/** Strokes of a brush on a canvas, and the mask that they come to. Sizes are in pixels of the picture. */

export interface Point {
  x: number;
  y: number;
}

export interface Stroke {
  width: number;
  points: Point[];
}

/** Seen on most pictures, and in neither theme's colours. */
const PAINT = '#ff3d81';

/** Draws all of them anew. */
export function drawStrokes(canvas: HTMLCanvasElement, strokes: Stroke[]): void {
  const context = canvas.getContext('2d');
  if (!context) return;
  context.clearRect(0, 0, canvas.width, canvas.height);
  for (const stroke of strokes) draw(context, stroke);
}

/** A PNG as large as the picture, opaque but for what was painted: that is what may change. */
export async function maskFile(strokes: Stroke[], [width, height]: [number, number]): Promise<File> {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d');
  if (!context) throw new Error('This browser cannot draw.');
  context.fillRect(0, 0, width, height);
  context.globalCompositeOperation = 'destination-out';
  for (const stroke of strokes) draw(context, stroke);
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/png'));
  return new File([blob ?? ''], 'mask.png', { type: 'image/png' });
}

function draw(context: CanvasRenderingContext2D, { width, points }: Stroke): void {
  const [first, ...others] = points;
  if (!first) return;
  context.strokeStyle = PAINT;
  context.lineWidth = width;
  context.lineCap = 'round';
  context.lineJoin = 'round';
  context.beginPath();
  context.moveTo(first.x, first.y);
  context.lineTo(first.x, first.y); // a dab where the brush never moved
  for (const { x, y } of others) context.lineTo(x, y);
  context.stroke();
}
