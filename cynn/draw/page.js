// The page: what is drawn, what the network says of it, and how its layers light up.

const PAPER = 280; // points on a side of the paper
const PEN = 22;
const STEP = 8; // of the pen that the arrow keys move
const WAVE = 70; // milliseconds from one layer to the next
const CELL = 14; // points on a side of a unit
const PIXEL = 10;

const find = (id) => document.getElementById(id);
const network = decoded(JSON.parse(find("network").textContent));
const shownLayers = network.layers.flatMap((layer, i) => (layer.shown ? [i] : []));
const still = matchMedia("(prefers-reduced-motion: reduce)");

let strokes = []; // each a list of points
let picture = null; // the pixels of a labelled digit, under the strokes
let truth = null; // and its label
let isDrawing = false;
let latest = null; // the last pixels, and what was said of them

// -- the paper

const paper = find("paper");
const ink = paper.getContext("2d", { willReadFrequently: true });

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function drawPixels(context, pixels, size) {
  pixels.forEach((pixel, i) => {
    if (pixel === 0) return;
    context.globalAlpha = pixel / 255;
    context.fillRect((i % SIDE) * size, Math.floor(i / SIDE) * size, size, size);
  });
  context.globalAlpha = 1;
}

function drawPaper() {
  ink.clearRect(0, 0, PAPER, PAPER);
  ink.fillStyle = ink.strokeStyle = colour("ink");
  if (picture) drawPixels(ink, picture, PAPER / SIDE);
  ink.lineWidth = PEN;
  ink.lineCap = ink.lineJoin = "round";
  for (const stroke of strokes) {
    ink.beginPath();
    ink.moveTo(...stroke[0]);
    for (const point of stroke) ink.lineTo(...point);
    ink.stroke();
  }
}

function pixelsOnPaper() {
  if (strokes.length === 0) return picture ?? new Uint8Array(SIDE * SIDE); // a picture as it is
  const { data } = ink.getImageData(0, 0, PAPER, PAPER);
  return imageOf(Uint8Array.from({ length: PAPER * PAPER }, (_, i) => data[4 * i + 3]), PAPER);
}

function startOver(pixels = null, label = null) {
  strokes = [];
  [picture, truth] = [pixels, label];
  lift();
  drawPaper();
  look();
}

function pointOf(event) {
  const box = paper.getBoundingClientRect();
  return [
    ((event.clientX - box.left) * PAPER) / box.width,
    ((event.clientY - box.top) * PAPER) / box.height,
  ];
}

paper.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  paper.setPointerCapture(event.pointerId);
  lift();
  isDrawing = true;
  strokes.push([pointOf(event)]);
  drawPaper();
  look();
});

paper.addEventListener("pointermove", (event) => {
  if (!isDrawing || !paper.hasPointerCapture(event.pointerId)) return;
  const events = event.getCoalescedEvents?.() ?? [];
  strokes.at(-1).push(...(events.length ? events : [event]).map(pointOf));
  drawPaper();
  look();
});

for (const name of ["pointerup", "pointercancel"]) {
  paper.addEventListener(name, () => {
    isDrawing = false;
    look();
  });
}

// -- the pen that keys move

const pen = { x: PAPER / 2, y: PAPER / 4, isDown: false };
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function showPen() {
  const mark = find("pen");
  mark.style.left = `${(100 * pen.x) / PAPER}%`;
  mark.style.top = `${(100 * pen.y) / PAPER}%`;
  mark.classList.toggle("down", pen.isDown);
}

function lift() {
  pen.isDown = isDrawing = false;
  showPen();
}

paper.addEventListener("keydown", (event) => {
  if (event.key === "Escape" || event.key === "Delete") return startOver();
  const move = MOVES[event.key];
  if (!move && event.key !== " ") return;
  event.preventDefault();
  if (move) {
    pen.x = Math.max(0, Math.min(PAPER, pen.x + STEP * move[0]));
    pen.y = Math.max(0, Math.min(PAPER, pen.y + STEP * move[1]));
  } else {
    pen.isDown = isDrawing = !pen.isDown;
    if (pen.isDown) strokes.push([]);
  }
  showPen();
  if (pen.isDown) strokes.at(-1).push([pen.x, pen.y]);
  drawPaper();
  look();
});

// -- what the network says

async function ask(pixels) {
  const headers = { "Content-Type": "application/octet-stream" };
  const response = await fetch("/answer", { method: "POST", headers, body: pixels }).catch(() => {
    throw new Error("cynn draw has ended: start it again, and reload this page.");
  });
  if (!response.ok) throw new Error(await response.text());
  return response.json();
}

const answer = network.server ? ask : async (pixels) => answerOf(network, pixels);
let isAsked = false;
let isBusy = false;

// Answers one drawing after the other; of those that came meanwhile, the last.
async function look() {
  isAsked = true;
  if (isBusy) return;
  isBusy = true;
  while (isAsked) {
    isAsked = false;
    const pixels = pixelsOnPaper();
    const isBlank = pixels.every((pixel) => pixel === 0);
    try {
      show(pixels, isBlank ? null : await answer(pixels));
    } catch (error) {
      say(error.message);
    }
    await new Promise((resume) => setTimeout(resume, 16));
  }
  isBusy = false;
}

function say(text) {
  if (find("status").textContent !== text) find("status").textContent = text;
}

function percent(part) {
  const text = (100 * part).toFixed(1);
  return part < 1 && text === "100.0" ? "> 99.9 %" : `${text} %`;
}

function show(pixels, said) {
  latest = { pixels, said };
  const outputs = said ? said.outputs : new Array(10).fill(0);
  const best = said ? outputs.indexOf(Math.max(...outputs)) : -1;
  find("answer").textContent = said ? best : "?";
  [...find("outputs").children].forEach((row, j) => {
    row.classList.toggle("best", j === best);
    row.querySelector(".fill").style.width = `${100 * outputs[j]}%`;
    row.querySelector(".percent").textContent = said ? percent(outputs[j]) : "";
  });
  if (!said) say("Draw a digit, 0 to 9.");
  else if (!isDrawing) {
    const label = truth === null || strokes.length ? "" : ` The image is labelled ${truth}.`;
    say(`It reads ${best}, with ${percent(outputs[best]).replace(">", "over")}.${label}`);
  }
  drawSeen();
  shownLayers.forEach((i, order) => {
    const values = said ? said.layers[i] : [];
    if (still.matches || !said) drawLayer(i, values);
    else setTimeout(() => drawLayer(i, values), WAVE * order);
  });
}

// -- what is seen inside

function drawSeen() {
  const context = find("seen").getContext("2d");
  const { pixels, said } = latest;
  context.clearRect(0, 0, SIDE * PIXEL, SIDE * PIXEL);
  const isSalient = find("saliency").checked;
  context.fillStyle = colour(isSalient ? "faint" : "ink");
  drawPixels(context, pixels, PIXEL);
  if (isSalient && said) drawSigned(context, said.saliency, SIDE, PIXEL, 0);
}

// Cells in rows: blue above 0, orange below, the stronger the larger.
function drawSigned(context, values, columns, size, gap) {
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const [positive, negative] = [colour("positive"), colour("negative")];
  values.forEach((value, i) => {
    if (value === 0) return;
    context.globalAlpha = Math.abs(value) / largest;
    context.fillStyle = value > 0 ? positive : negative;
    const [x, y] = [(i % columns) * size, Math.floor(i / columns) * size];
    context.fillRect(x, y, size - gap, size - gap);
  });
  context.globalAlpha = 1;
}

const columnsOf = (size) => Math.min(size, Math.max(16, Math.ceil(Math.sqrt(size))));

function drawLayer(i, values) {
  const { size, title } = network.layers[i];
  const canvas = find(`layer${i}`);
  const context = canvas.getContext("2d");
  const columns = columnsOf(size);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = colour("cell");
  for (let j = 0; j < size; j++) {
    context.fillRect((j % columns) * CELL, Math.floor(j / columns) * CELL, CELL - 1, CELL - 1);
  }
  drawSigned(context, values, columns, CELL, 1);
  const active = values.reduce((count, value) => count + (value !== 0), 0);
  canvas.setAttribute("aria-label", `${title}: ${active} of ${size} not zero`);
}

function addLayers() {
  for (const i of shownLayers) {
    const { size, title } = network.layers[i];
    const figure = find("layer").content.cloneNode(true);
    const canvas = figure.querySelector("canvas");
    canvas.id = `layer${i}`;
    canvas.width = columnsOf(size) * CELL;
    canvas.height = Math.ceil(size / columnsOf(size)) * CELL;
    figure.querySelector("figcaption").textContent = title;
    find("layers").append(figure);
  }
}

// -- labelled digits

function addDigits() {
  const { labels, pixels } = network.digits;
  const bytes = Uint8Array.from(atob(pixels), (c) => c.charCodeAt(0));
  const images = labels.map((_, i) => bytes.slice(i * SIDE * SIDE, (i + 1) * SIDE * SIDE));
  for (const label of new Set([...labels].sort())) {
    const own = images.filter((_, i) => labels[i] === label);
    const button = find("digit").content.cloneNode(true).querySelector("button");
    const context = button.querySelector("canvas").getContext("2d");
    let next = 0;
    button.setAttribute("aria-label", `a labelled ${label}`);
    button.draw = () => {
      context.clearRect(0, 0, SIDE, SIDE);
      context.fillStyle = colour("ink");
      drawPixels(context, own[next], 1);
    };
    button.addEventListener("click", () => {
      startOver(own[next], label);
      next = (next + 1) % own.length;
      button.draw();
    });
    find("digits").append(button);
  }
  find("labelled").hidden = false;
}

// -- the start

function drawAll() {
  for (const button of find("digits").children) button.draw();
  drawPaper();
  show(latest?.pixels ?? new Uint8Array(SIDE * SIDE), latest?.said ?? null);
}

for (let j = 0; j < 10; j++) {
  const row = find("output").content.cloneNode(true);
  row.querySelector(".class").textContent = j;
  find("outputs").append(row);
}
find("name").textContent = network.title;
find("where").textContent = network.server
  ? "Computed by cynn on this machine."
  : "Computed in this page: nothing that you draw leaves it.";
addLayers();
if (network.digits?.labels.length) addDigits();
find("erase").addEventListener("click", () => startOver());
find("saliency").addEventListener("change", drawSeen);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
showPen();
drawAll();
