"""What How it works says: whole sentences, chapter by chapter."""

from __future__ import annotations

OPENING = (
    "Two stories meet in a portrait: how a network dreams up a face, and how another network's "
    "eyes teach it to be painted. Everything below is computed here and now by the very networks "
    "of the Studio. Take ten minutes, move every slider, and explain it to a friend."
)

GROWING = (
    "It begins with <b>noise</b>: 512 random numbers, called z. A seed is only a name for them, "
    "so the same seed is the same face everywhere.",
    "Eight small layers, the <b>mapping</b>, turn z into 512 other numbers, w. In z every "
    "direction is as likely as any other; in w things that belong together, such as a beard, lie "
    "along one direction. That is why faces can be mixed and asked for a smile.",
    "Then the <b>synthesis</b> starts from a picture of 4&nbsp;×&nbsp;4 places that is always the "
    "same. Each level doubles it, and w says at each level how strongly every feature counts: pose "
    "and shape first, then eyes and mouth, last hair, light and colour.",
    "The numbers inside are no picture yet. Up to 64 px we show what can be read from each place "
    "by the best single formula; from 128 px on small heads finish the picture, and the last one "
    "is the network's own.",
)
GROWING_PSI = (
    "In the middle of all w lies the <b>average face</b>. ψ (psi) says how far to go from there: "
    "at 0 everyone is average, at 1 you meet the face as it was drawn, beyond 1 it becomes its "
    "own caricature."
)
FORMULA_PSI = "w<sub>ψ</sub> = average + ψ · (w − average)"

DUEL = (
    "Nobody told the network what a face is. It learnt in a game of two. The <b>generator</b>, a "
    "painter who has never seen a picture, makes one from noise. The <b>critic</b> sees real "
    "pictures and made ones, and gives marks: more is more real.",
    "After each round both change a little: the critic, to tell the two apart better; the "
    "generator, so that its picture gets a better mark. The critic's gradient tells it which way "
    "every number should move. If all goes well, neither ever wins for long.",
    "This pair is a small one that SMART trained on faces in paintings, 64 px wide. Its "
    "portraits are far from perfect, which makes the critic easy to watch. <b>Play critic</b>: "
    "click the portrait that you think it believes most.",
)
FORMULA_DUEL = "loss of the critic = log(1 + e<sup>D(made) − D(real)</sup>)"
DUEL_LEGEND = (
    "Teal spoke for the picture, red against it. The marks have no unit; only which is higher "
    "counts."
)
DUEL_ADVICE = (
    "And this is what a critic teaches: the portrait it believed least, moved {steps} small steps "
    "along the critic's gradient. The mark went from {before} to {after}. In the training the "
    "same gradient goes further back and changes the painter itself."
)
RIGHT = "Yes! {letter} has the best mark, {mark}: you have the critic's eye."
WRONG = "You chose {chosen}, with {mark}; the critic believes {letter} most, with {best}."
SHOWN = "The critic believes {letter} most, with {best}."

SEEING = (
    "The painter needs eyes. It borrows those of <b>VGG</b>, a network that learnt to name a "
    "thousand things in photographs. Its names do not matter here, only what it notices on the "
    "way, in layers: each has many <b>channels</b>, and each channel is a map of where it found "
    "its favourite thing.",
    "Choose a layer. The first ones answer colours and edges; the middle ones curls, corners and "
    "strokes; the deep ones eyes, mouths and towers, on an ever coarser grid.",
    "What does a layer <b>keep</b>? Start from noise and change it until the layer sees in it "
    "exactly what it sees in the face: shallow layers give back every pixel, deep ones only what "
    "is where. That is <b>content</b>.",
    "Now forget the places, and keep only which channels answer <b>together</b>. This table of "
    "products is the Gram matrix. Noise that has the painting's table takes on its colours "
    "and strokes, wherever they happen to fall. That is <b>style</b>.",
)
FORMULA_GRAM = "G<sub>ij</sub> = mean over all places of F<sub>i</sub> · F<sub>j</sub>"
LAYER_NAMES = (
    ("relu1_1 edges", "relu1_1"),
    ("relu2_1 lines", "relu2_1"),
    ("relu3_1 strokes", "relu3_1"),
    ("relu4_1 eyes", "relu4_1"),
    ("relu5_1 things", "relu5_1"),
)
KEEPS_CONTENT = "content: what {layer} keeps of the face"
KEEPS_STYLE = "style: what the Gram matrices up to {layer} keep of the painting"
MAPS_OF_FACE = (
    "The {count} strongest of {channels} channels on the face: {places} × {places} places, each "
    "for {side} × {side} px."
)
MAPS_OF_PAINTING = "The {count} strongest of {channels} channels on the middle of the painting."

BALANCING = (
    "Now both wishes at once. The picture shall hold what the deep layer sees of the face, "
    "<b>content</b>, and have the statistics of the painting, <b>style</b> (compared by means and "
    "covariances, a finer Gram matrix). It cannot have both entirely, so each wish gets a weight.",
    "Move the slider and let go: the face is painted anew, by the optimisation of the Studio, "
    "only small and from the bare face on. To the left the face wins, to the right the painter, "
    "until hardly anybody is left.",
    "Watch the two numbers. At the start the picture <b>is</b> the face, so content is perfect "
    "and style is bad. Then style falls, and content pays for it, until they agree.",
)
FORMULA_LOSS = "loss = α · content + β · style + a little smoothness"
FORMULA_LOSS_NOTE = (
    "The slider is the power of ten in β : α. At 0 both weigh the same, at 2 style weighs a "
    "hundred times as much."
)

PIXELS = (
    "Training usually changes a network. Here it is the other way round: <b>the network is "
    "frozen, and the picture is what learns</b>. Its pixels are the unknowns, {count} numbers.",
    "One step: look at the picture with VGG, compute the loss, and ask backwards through all "
    "layers how the loss would change if each pixel changed. That answer is the <b>gradient</b>. "
    "Take a step against it, and look again.",
    "Go through the steps of your last portrait. On the left the picture, on the right where the "
    "loss wants its pixels to go at this very moment: grey is content to stay. At step 0 the "
    "content has nothing to wish, so all you see is the painter's pull.",
    "Why not train a network to do it at once? One can: the <b>sketch</b> comes from a network "
    "that has learnt beforehand to guess the result for any painting. It takes one pass, but it "
    "guesses; the optimisation looks at this face and this painting, and corrects itself after "
    "every step. So the Studio begins with the sketch and lets the pixels finish it.",
)
FORMULA_STEP = "x ← x − η · H · ∂ loss / ∂ x"
FORMULA_STEP_NOTE = (
    "x are the pixels, η is how far to go, and H is what earlier steps taught about the curvature "
    "(L-BFGS)."
)
NO_PORTRAIT = "Paint a portrait in chapter 4 first; then its steps are here."
LOSSES = "Step {step} of {total}. Style is off by {style}, content by {content}."
FINISHED = (
    "{steps} steps in {seconds} s. Style fell from {before} to {style}; content is off by "
    "{content}."
)
STOPPED = "Stopped after {steps} steps. Style fell from {before} to {style}."
CURVES = "How far style and content are off, over the steps"
WISH = "where the loss wants the pixels to go after step {step}"
SKETCHED = "the sketch: one pass, {seconds} s"
PAINTED = "your portrait: {steps} steps, {seconds} s"
WAITING = "One moment, the workshop is coming."

# Captions, and what pictures say to those who do not see them.
NOISE, NOISE_ALT = "z, noise", "512 random numbers as squares"
CODE, CODE_ALT = "w, the code", "512 numbers of the code as squares"
FACE, FACE_ALT = "the face, ψ {psi}", "The face of seed {seed} at psi {psi}"
LEVEL, LEVEL_ALT = "{size} px", "The face after the level that makes {size} px"
AMOUNT, AMOUNT_ALT = "ψ = {psi}", "The face at psi {psi}"
EYE_ALT = "What the critic saw in {letter}"
BEFORE, AFTER = "before", "after"
CHANNEL = "channel {number}"
CHANNEL_ON_FACE = "Where channel {number} answers the face"
CHANNEL_ON_PAINTING = "Where channel {number} answers the painting"
THE_FACE, THE_PAINTING = "The face", "The middle of the painting"
BEGINNING = "Beginning with noise"
REBUILT_ALT = "The face rebuilt from {layer}"
TEXTURE_ALT = "A texture with the Gram matrices up to {layer}"
MIXING = "Mixing the colours"
STEP, STEP_ALT = "step {step}", "The portrait after {step} steps"
PORTRAIT_ALT, SKETCH_ALT, PAINTED_ALT = "The portrait as it stands", "The sketch", "Your portrait"
