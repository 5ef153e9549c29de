/** Every page for somebody who is signed in. */
export const PAGES = {
  start: '/',
  'create-image': '/dashboard/marketing/social/create-image',
  'edit-image': '/dashboard/edit-image',
  speech: '/dashboard/speech',
  voices: '/dashboard/voices',
  transcribe: '/dashboard/transcribe',
  'read-image': '/dashboard/read-image',
  artifacts: '/dashboard/artifacts',
  usage: '/dashboard/usage',
  status: '/dashboard/status',
} as const;

export const SENTENCE = 'a small red circle on the left of a blue background';
