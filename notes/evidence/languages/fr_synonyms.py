"""What patients and clinicians call the same things in French: a line for each, a deeper one goes on with it."""

from __future__ import annotations

from notes.evidence.languages.language import groups

SYNONYMS = groups(
    """
hypertension | tension élevée | tension trop haute | hta | hypertendu | hypertension artérielle | trop de
    tension
tension | tension artérielle | pression artérielle | ta | pa
dyspnée | essoufflé | essoufflement | mal à respirer | du mal à respirer | à bout de souffle | manque d'air |
    difficulté à respirer | gêne respiratoire | souffle | dyspnéique
céphalée | mal de tête | maux de tête | mal à la tête | migraine
infarctus | crise cardiaque | idm
avc | accident vasculaire cérébral | attaque cérébrale
fièvre | fébrile | hyperthermie | apyrétique | apyrexie | subfébrile
température | fièvre
syncope | évanoui | perdu connaissance | perte de connaissance | malaise | tombé dans les pommes
palpitations | coeur qui bat vite | coeur s'emballe | coeur bat vite
prurit | démange | démangeaisons | gratte
éruption | boutons | plaques | urticaire | rash | exanthème
vomissement | vomi | vomir | vomit
nausée | mal au coeur | envie de vomir | nauséeux | écoeurement
diarrhée | selles liquides | courante
constipation | constipé
selles | transit | toilettes | caca
expectoration | crache | crachats | glaires
rhinorrhée | nez qui coule | nez coule | rhume
rhinite allergique | rhume des foins
obstruction nasale | nez bouché
pharyngite | mal de gorge | mal à la gorge | angine | odynophagie
asthénie | fatigue | fatigué | épuisé | crevé | épuisement
insomnie | dors mal | mal dormi | sommeil | dormir | dors | dort | nuits
oedème | gonflé | gonflement | enflé | gonfle
érythème | rougeur | rouge
douleur | mal | fait mal | douloureux | algie | sensible
abdominal | abdomen | ventre | estomac
thorax | thoracique | poitrine
cardiaque | coeur
pulmonaire | poumon | poumons
rénal | rein | reins
hépatique | foie
urinaire | urine | uriner | pipi | miction
dysurie | brûle en urinant | brûlures urinaires | brûlures en urinant | brûlures mictionnelles
vertige | tête qui tourne | étourdissement | tête tourne | vertiges
paresthésie | fourmis | fourmillement | engourdi | engourdissement
faiblesse | faible
vue | vision | visuel | yeux | voir
anxiété | anxieux | angoisse | inquiet | inquiétude | stress | stressé | tendu
dépression | déprimé | moral | humeur
diabète | diabétique | sucre
glycémie | sucre dans le sang | glucose | dextro | sucre
dyslipidémie | cholestérol | hypercholestérolémie
asthme | asthmatique
reflux | rgo | remontées acides | brûlures d'estomac
arthrose | articulation | articulaire | arthralgie
myalgie | courbatures | douleurs musculaires
lombalgie | mal de dos | bas du dos | lombaire | lumbago | mal au dos
fracture | cassé | casser
chute | tombé | tomber
appendicectomie | appendicite | appendice
cholécystectomie | vésicule
hystérectomie | utérus
opération | opéré | chirurgie | chirurgical | intervention
médicament | traitement | cachet | comprimé | pilule
prescrire | ordonnance | prescription | prescrit
paracétamol | doliprane | dafalgan | efferalgan
ibuprofène | advil | nurofen | anti inflammatoire
anticoagulant | fluidifier le sang | fluidifie le sang
vaccination | vaccin | vacciné | rappel
grippe | grippal
tabac | fume | fumez | fumer | fumeur | cigarette | tabagisme | clope | paquet | tabagique
alcool | bois | buvez | bière | vin | verre | éthylisme
sport | sportif | activité physique | exercice | gym
marche | marcher
appétit | faim | mange
poids | pèse | pesez | kilos | balance
mère | maman | maternel
père | papa | paternel
enfance | petit | enfant | petite
électrocardiogramme | ecg
prise de sang | bilan sanguin | analyse de sang | biologie | bilan biologique | analyses
radio | radiographie | rx
irm | résonance magnétique
scanner | tdm
hémoglobine glyquée | hba1c
pouls | fréquence cardiaque | fc | rythme cardiaque
saturation | spo2 | oxygène | sat
contrôle | revoir | revenez | revient | rendez vous | consultation | revoit
éviter | ne prenez pas | arrêter
arrêt | arrêté | arrêter | sevré | sevrage | stoppé | ancien | interrompu | cessé
augmenter | augmentation | augmente
diminuer | diminution | réduire | baisser | réduction
reprendre | reprise | reprenez
aggravé | pire | empire | aggravation | majoré
soulagé | amélioré | mieux | amélioration | soulage | calme
bénin | pas grave
viral | virus | virale
bactérien | bactérie
boire | buvez | boisson | hydratation | eau
abondant | abondamment
blocage | bloque | bloqué
clair | claire
soir | vespéral
matin | matinal
nuit | nocturne
repas | manger | mangeant
léger | peu | discret | légèrement | discrètement | modéré
intense | fort | violent | sévère
irradiation | descend | irradie
règles | menstruation | cycle | ddr
enceinte | grossesse
fonction rénale | créatinine
kinésithérapie | kiné
spécialiste | orienter | adresser
convulsion | crise d'épilepsie | épilepsie
sueurs | transpire | transpiration | sudation
frissons | frissonne
saignement | saigne | hémorragie | sang
urgences | urgence | samu
effet secondaire | effet indésirable | effets secondaires
flexion | penche | pencher
travail | boulot | métier | profession
vélo | bicyclette
contracture | tendu | raide | contracté
toux | tousse | tousser
fumeur | fume | fumez | fumé | fumer | fumeuse | tabac
gonalgie | genou | mal au genou
gonflement | gonflé | épanchement | oedème
traumatisme | tombé | tombée | chute | choc | coup
ains | anti inflammatoire | anti inflammatoires | ibuprofène
antalgique | médicament douleur | paracétamol | doliprane
radiographie | radio
dysphagie | avaler | mal à avaler | déglutition
méléna | selles noires
rectorragie | sang dans les selles
hématurie | sang dans les urines | urines rouges
hématémèse | vomi du sang
hémoptysie | crache du sang
épistaxis | saigne du nez
hypoglycémie | hypo | hypos
polyurie | urine beaucoup | pipi souvent
pollakiurie | uriner souvent | envie d'uriner
polydipsie | soif
nycturie | lève la nuit
otite | oreille | otalgie | mal à l'oreille
conjonctivite | yeux rouges
cystite | infection urinaire
pneumonie | infection pulmonaire | pneumopathie
bronchite | bronches
hypotension | tension basse
tachycardie | coeur rapide | bat vite
arythmie | fibrillation
angor | douleur thoracique | serre la poitrine | oppression
orthopnée | oreillers
décubitus | allongé
acouphènes | sifflement | bourdonnement | sifflements
photophobie | lumière
raideur | raide | dérouillage
tremblement | tremble
mémoire | oublie
anorexie | appétit | plus faim
perte de poids | maigri | amaigrissement | perdu kilos
prise de poids | grossi | pris kilos
surpoids | obésité
entorse | tordu | foulure
anémie | fer | carence martiale
goutte | acide urique
eczéma | dermatite | dermatologie
gastroentérite | gastro
lithiase | calcul | calculs
tsh | thyroïde
échographie | écho
dermatologue | dermato
cardiologue | cardiologie
ophtalmologue | ophtalmo | ophtalmologie
gynécologue | gynéco
diététicienne | diététique | nutritionniste
contraception | pilule | stérilet
ménopause | bouffées de chaleur
membre inférieur | jambe | jambes | mollet
membre supérieur | bras
cervicalgie | cervical | cou | nuque | torticolis
épigastralgie | creux de l'estomac | épigastrique
idées suicidaires | idées noires | en finir | suicide
marié | mari | femme | conjoint
retraité | retraite
vaccin | vaccins | vacciné | vaccinations
allergie | allergique | allergies
seul | seule
frère | soeur | fratrie
"""
)
