'use strict';
const step = document.getElementById('step');
if (step) {
  const at = document.getElementById('at');
  const points = at.dataset.points.split('|');
  step.addEventListener('input', () => {
    at.textContent = points[step.value];
    for (const img of document.querySelectorAll('img[data-step]')) {
      img.hidden = img.dataset.step !== step.value;
    }
  });
}
