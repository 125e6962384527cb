"""What patients and clinicians call the same things in English: a line for each, a deeper one goes on with it."""

from __future__ import annotations

from notes.evidence.languages.language import groups

SYNONYMS = groups(
    """
hypertension | high blood pressure | htn | elevated blood pressure | hypertensive | pressure is high |
    pressure is up
blood pressure | bp | pressure
dyspnea | dyspnoea | short of breath | shortness of breath | trouble breathing | difficulty breathing |
    breathless | out of breath | hard to breathe | sob
headache | cephalalgia | head hurts | head aches | pain in head
myocardial infarction | heart attack | mi
stroke | cva | cerebrovascular accident
pyrexia | fever | febrile | high temperature
afebrile | fever
syncope | fainted | faint | passed out | blacked out | lost consciousness | loss of consciousness
palpitations | heart racing | racing heart | heart pounding | heart fluttering | heart skips
pruritus | itch | itchy | itching
rash | eruption | exanthem | hives | urticaria
emesis | sick | vomit | vomited | vomiting | throwing up | threw up | throw up
nausea | sick | nauseous | nauseated | sick to stomach | queasy
diarrhea | diarrhoea | loose stools | runs | watery stools
constipation | constipated
stool | bowel movement | bowel
sputum | phlegm | mucus
rhinorrhea | runny nose
allergic rhinitis | hay fever
congestion | stuffy nose | blocked nose | stuffed up
pharyngitis | sore throat | throat hurts | throat pain
fatigue | fatigued | tired | exhausted | tiredness | no energy | worn out | wiped out
insomnia | can't sleep | trouble sleeping | not sleeping | difficulty sleeping | keeps awake | poor sleep
sleep | asleep | awake
edema | oedema | swelling | swollen | swell
erythema | redness | red
pain | hurt | hurts | ache | aches | aching | sore | soreness | painful | tender | tenderness
abdominal | abdomen | stomach | belly | tummy
chest | thoracic
cardiac | heart | cardiovascular
pulmonary | lung | lungs | respiratory | chest sounds
renal | kidney
hepatic | liver
urinary | urine | urination | passing water | pee | peeing | urinate
dysuria | burns when pee | burning urination | painful urination | hurts to pee | stings when pee
polyuria | pee a lot | peeing a lot | frequent urination | urinary frequency
polydipsia | very thirsty | always thirsty | excessive thirst | thirsty
hematuria | blood in urine | blood in pee
dizziness | dizzy | lightheaded | light headed | vertigo | spinning | woozy
paresthesia | tingling | pins and needles | numb | numbness
weakness | weak
vision | visual | eyesight | sight
anxiety | anxious | worried | nervous | worry | tense
depression | depressed | low mood | mood
diabetes | diabetic | t2dm | blood sugar
glucose | blood sugar | sugar
hyperlipidemia | high cholesterol | dyslipidemia | hypercholesterolemia | cholesterol
asthma | asthmatic | wheeze
copd | emphysema
hypothyroidism | underactive thyroid | low thyroid
gerd | acid reflux | heartburn | reflux
arthritis | osteoarthritis | joint pain | arthralgia
myalgia | muscle pain | muscle aches | aching muscles | body aches
low back pain | lower back | lumbar | low back | lumbago | back pain
knee | patella
fracture | broken | break | broke
fall | fell | fallen
appendectomy | appendix | appendicitis | appendicectomy
cholecystectomy | gallbladder
hysterectomy | uterus | womb
tonsillectomy | tonsils
cesarean | c section | caesarean
operation | surgery | surgical | operated
medication | medicine | meds | tablet | pill | drug | medicines
prescribe | prescription | prescribed | script
refill | refilled | renew
acetaminophen | paracetamol | tylenol
ibuprofen | advil | motrin
hydrochlorothiazide | hctz | water pill | diuretic
anticoagulant | blood thinner | anticoagulation
antibiotic | antibiotics | antimicrobial
vaccination | vaccine | shot | immunization | immunisation | jab
influenza | flu
smoke | smoker | nonsmoker | smoking | cigarettes | tobacco | pack
alcohol | drink | beer | wine | ethanol | drinker | drinking | etoh
coffee | caffeine | caffeinated
exercise | physical activity | gym | workout | exercises
walk | walking | ambulation | ambulate
eat | appetite | eating | hungry
weight | weigh | pounds | kilos | scale
mother | mom | mum | maternal | mama
father | dad | paternal
sibling | brother | sister
child | childhood | kid | children
electrocardiogram | ecg | ekg | heart tracing
blood test | blood work | bloodwork | labs | blood taken | lab tests | laboratory
xray | x ray | radiograph | radiography
mri | magnetic resonance
ct | cat scan
hba1c | a1c | hemoglobin a1c
pulse | heart rate | beats per minute | hr
temperature | temp
oxygen saturation | saturation | spo2 | oxygen | sats | o2 sat
respiratory rate | breaths per minute
dysphagia | swallow | trouble swallowing | food gets stuck
odynophagia | hurts to swallow | painful swallowing
melena | black stools | tarry stools | black stool
hematochezia | blood in stool | rectal bleeding | bright red blood
hematemesis | vomit blood | vomiting blood | throwing up blood
hemoptysis | cough up blood | coughing up blood
epistaxis | nosebleed | nosebleeds | nose bleeds
hypoglycemia | hypo | hypos | low sugar | low sugars | lows
hyperglycemia | high sugar | high sugars
neuropathy | nerve | nerves | neuropathic
otitis media | ear infection | middle ear | otitis
otalgia | earache | ear pain | ear hurts | pulling ear
rhinorrhoea | runny nose | nose is streaming | rhinorrhea
conjunctivitis | pink eye
uti | urinary tract infection | bladder infection | cystitis | water infection
pneumonia | lung infection
hypotension | low blood pressure
tachycardia | fast heart | heart racing | rapid heartbeat
arrhythmia | irregular heartbeat | atrial fibrillation | afib
angina | chest pain | chest tightness | tight chest
orthopnea | prop up | pillows | lie flat
supine | lie down | lying down | lying flat
postprandial | after eat | after eating | meals
exudate | pus
nsaid | anti inflammatory | ibuprofen | naproxen | antiinflammatory
antacid | tums | antacids | maalox
ppi | omeprazole | pantoprazole
inhaler | puffer | albuterol | salbutamol
steroid | prednisone | cortisone
statin | atorvastatin | simvastatin | rosuvastatin
metformin | glucophage
calpol | paracetamol | acetaminophen
aspirin | asa
benign prostatic hyperplasia | bph | prostate
erectile dysfunction | erection | erections
dysmenorrhea | painful periods | cramps
menopause | hot flashes | hot flushes | change of life
contraception | birth control | contraceptive
libido | sex drive
alopecia | hair loss | losing hair
xerostomia | dry mouth
tinnitus | ringing in ears | ringing
hearing | hear | deaf
photophobia | light bothers | light hurts | sensitivity to light
aura | flashing lights
rigidity | stiff | stiffness
ambulatory | walk
gait | walk | walking
tremor | shake | shaky | shaking | shakiness
memory | forgetful | forget | forgetting
anorexia | appetite | not hungry
dehydration | dehydrated
obesity | overweight | obese
laceration | cut | gash
contusion | bruise | bruised
sprain | twisted | sprained | rolled
hernia | bulge | rupture
hemorrhoids | piles
varicose veins | veins
dvt | clot | deep vein thrombosis | blood clot
pulmonary embolism | clot lung | pe
anemia | low iron | anemic | iron
hypokalemia | low potassium
gout | uric acid
eczema | dermatitis
acne | pimples | spots
lesion | mole | spot | growth
cellulitis | skin infection
abscess | boil
tonsillitis | tonsils
sinusitis | sinus infection | sinus
bronchitis | chest cold | chest infection
uri | upper respiratory infection | cold
gastroenteritis | stomach bug | stomach flu | food poisoning
cholelithiasis | gallstones | gallstone
nephrolithiasis | kidney stone | kidney stones | renal stone
concussion | hit head | head injury
trauma | injury | injured | fall | fell | accident
nocturia | up at night | get up to pee
incontinence | leak | leaking | accidents
dysgeusia | taste
ophthalmology | eye doctor | ophthalmologist | optometrist | eye exam
dermatology | dermatologist | skin doctor
cardiology | cardiologist | heart doctor
orthopedics | orthopedic | orthopedist
neurology | neurologist
psychiatry | psychiatrist
dietitian | nutritionist | dietician
ultrasound | sonogram
colonoscopy | scope
echocardiogram | echo
ecg | ekg
tsh | thyroid test | thyroid function
cbc | blood count
ldl | bad cholesterol
stool test | stool sample
lifestyle | diet and exercise
low salt | sodium | salt
weight loss | lose weight | lost weight | losing weight
weight gain | gain weight | gained weight | gained
unintentional | without trying
fluids | drink | drinking
hydrate | drink | water
stress | stressed | stressful
panic | panic attack
suicidal ideation | thoughts of harming | hurt yourself | harm yourself | suicidal | end your life
recreational drugs | illicit drugs | drugs | marijuana | weed | cannabis
sexually active | sex | partner
lives alone | live alone | lives by herself
right handed | right hand
lower extremity | leg | legs
upper extremity | arm | arms
cervical | neck
lumbar | back
plantar | sole | foot
hand | wrist
epigastric | top of stomach | upper belly
tympanic membrane | eardrum | ear drum
lymph nodes | glands | lymphadenopathy | swollen glands
oropharynx | throat
buttock | bottom
allergy | allergic | nkda | nka
exertion | exertional | walk | climb | stairs
follow up | come back | return | recheck | appointment
avoid | don't take | stay away | stop
discontinue | stop | stopped | quit | discontinued | came off | ceased | former
increase | increased | raise | bump up | go up | double | higher
decrease | decreased | reduce | reduced | cut down | lower | cut back | go down | less
restart | resume | start again
worse | aggravate | aggravated | worsen | worsening | exacerbate | worsens | exacerbated
relieved | improve | improved | better | helps | ease | eases | relief | improves | alleviate
benign | harmless
normal | fine | unremarkable | good | clear | okay | within limits | intact
viral | virus
bacterial | bacteria
inflamed | inflammation
intermittent | now and then | comes and goes | on and off | off and on | come and go
sudden | suddenly | acute | out of nowhere
mild | little | slight | slightly | bit
severe | bad | terrible | worst | severely
bilateral | both | both sides
fluids | plenty water | drink plenty | hydration | hydrate
rest | resting
radiate | radiation | radiating | goes down | spreads | travel | travels | go down | radiates
seizure | convulsion | fit
tetanus | tdap
menstruation | period | menses | menstrual | lmp
pregnancy | pregnant | expecting
married | husband | wife | spouse
work | works | job | employed | occupation
retired | retirement
nocturia | get up to pee | up at night to pee
nighttime | night | nocturnal | nightly | bedtime
morning | mornings
evening | evenings
food | meal | meals
kidney function | creatinine | egfr | renal function
physiotherapy | physical therapy | pt | physio
specialist | referral | refer | referred
cancer | malignancy | carcinoma | tumor
shoulder | rotator
sweating | sweats | diaphoresis | sweaty | diaphoretic
chills | shivers | shivering | rigors
bruise | bruising | ecchymosis | bruises
bleeding | bleed | hemorrhage
emergency | er | 911 | ed | urgent care | emergency room | emergency department
side effect | adverse effect | adverse reaction | side effects
"""
)
