/** Pigments of the chart, told apart in both themes and by most colour-blind eyes. */
export const HUES = ['#4c5fd5', '#d98324', '#2f9e83', '#b5557f', '#7a8a2e', '#5b7f9c', '#8c6bb1'];
