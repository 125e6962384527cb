"""French, with the numbers of Belgium and Switzerland."""

from __future__ import annotations

from notes.evidence.languages.fr_synonyms import SYNONYMS
from notes.evidence.languages.language import Language, Phrase, named, phrase, phrases, signs, spelled, words

ONES = phrase("zéro un deux trois quatre cinq six sept huit neuf")
TEENS = ["dix", "onze", "douze", "treize", "quatorze", "quinze", "seize", "dix-sept", "dix-huit", "dix-neuf"]
TENS = {
    "vingt": 20,
    "trente": 30,
    "quarante": 40,
    "cinquante": 50,
    "soixante": 60,
    "septante": 70,
    "huitante": 80,
    "octante": 80,
    "nonante": 90,
    "quatre-vingt": 80,
    "quatre-vingts": 80,
}
BELOW_TWENTY = {phrase(word): value for value, word in enumerate([*ONES, *TEENS])} | {("une",): 1}
CARDINALS: dict[Phrase, int] = dict(BELOW_TWENTY)
for word, tens in TENS.items():
    CARDINALS[phrase(word)] = tens
    for rest, value in BELOW_TWENTY.items():
        if 0 < value < 10 or (value >= 10 and word in ("soixante", "quatre-vingt")):
            CARDINALS[(*phrase(word), *rest)] = tens + value
            CARDINALS[(*phrase(word), "et", *rest)] = tens + value
MONTHS = phrase("janvier février mars avril mai juin juillet août septembre octobre novembre décembre")

FRENCH = Language(
    code="fr",
    stop_words=words(
        """a à ai ainsi alors appelle après as au aucun aucune aujourd aussi autant autre autres aux avais
        avait avant avec avez avoir avons bah beaucoup ben bien bon bonjour bonne ça car ce ceci cela
        celle celui ces cet cette chaque chez ci comme comment d dans de déjà demain depuis des devez
        devoir dit dites docteur dois doit donc dont du elle elles en encore entre es est et étais était
        étant êtes être eu euh eux fait faire faites faut fois hein hier hui il ils j jamais je jusqu
        jusque l la là le les leur leurs lui m ma madame mais me même merci mes mettez mettre mon
        monsieur n ne ni non nos notre nous on ont ou où oui par parce pas passe pendant peu peut peux
        plus plutôt pour pouvez pourquoi prend prendre prends prenez pris puis qu quand que quel quelle
        quelles quelque quelques quels qui quoi rien s sa sais sans sauf se sera ses sert si soit sommes
        son sont sous souvent suis sur surtout t ta tant te tes toi ton toujours tous tout toute toutes
        très trop tu un une va vais vers veux viens voilà vont vos votre voulez vous voyez vraiment vu y
        accord super parfait allez ok aller va aimerais veut avoir patient patiente rapporte signale
        décrit présente nie antécédent antécédents connu connue notion actuel actuelle actuellement
        environ cours absence retrouvé noté poursuite poursuivre réévaluation associé associée
        nécessaire besoin il y jour jours semaine semaines mois an ans année années heure heures minute
        minutes côté cotée coté chose choses peux peut-être moment temps vers âge numéro fin petit dès
        lors"""
    )
    - words("petit peu beaucoup"),
    endings=phrase(
        """issements issement ications ication ations ation ements ement ments ment ances ance ences
        ence iques ique euses euse eurs eur aires aire ables able ives ive aient antes ants ante
        ions ites ite ales aux ale ant ees ait ais ier ies ion ent ons ez es er ir ee al if ie e s x
        t i"""
    ),
    synonyms=SYNONYMS,
    cardinals=CARDINALS,
    multipliers={"cent": 100, "cents": 100, "mille": 1000, "million": 1_000_000, "millions": 1_000_000},
    fractions={"demi": 0.5, "demie": 0.5, "moitie": 0.5, "quart": 0.25, "quarts": 0.25},
    collectives={"dizaine": 10, "douzaine": 12, "vingtaine": 20, "trentaine": 30},
    articles=words("un une"),
    joins=words("et"),
    points=words("virgule point"),
    labels=words(
        """type types stade grade classe niveau numéro chambre salle étape question covid vitamine oméga version page
        appelez appeler composez score facteur lit étage rue ligne secteur porte"""
    ),
    units=named(
        mg="milligramme milligrammes",
        mcg="microgramme microgrammes gamma",
        g="gramme grammes gr",
        kg="kilogramme kilogrammes kilo kilos",
        ml="millilitre millilitres cc",
        l="litre litres",
        cm="centimètre centimètres",
        mm="millimètre millimètres",
        m="mètre mètres",
        km="kilomètre kilomètres",
        units="unité unités ui",
        second="seconde secondes sec",
        minute="minute minutes min mn",
        hour="heure heures",
        day="jour jours j",
        week="semaine semaines sem",
        month="mois",
        year="an ans année années",
        tablet="comprimé comprimés cachet cachets gélule gélules cp cps cpr pilule pilules",
        puff="bouffée bouffées",
        drop="goutte gouttes",
        rate="bpm battements",
        money="euro euros francs balles dollars",
        percent="pourcent",
        degree="degré degrés",
        celsius="celsius c",
    ),
    idioms={"quinzaine": 14},
    days_said_for={15: 14, 8: 7},
    months={word: number for number, month in enumerate(MONTHS, start=1) for word in phrase(month)},
    ordinals={"premier": 1},
    ranges=words("à ou"),
    over=phrases("sur"),
    ages=words("âge âgé âgée"),
    lasting=words("depuis pendant dans durant après"),
    clock=words("à vers dès avant"),
    times=words("fois prise prises"),
    every=phrases("chaque | tous les | toutes les"),
    per=words("par"),
    frequencies=spelled(
        {
            "1/day": "quotidien | quotidienne | quotidiennement | tous les jours | tous les matins | tous les soirs "
            "| toutes les nuits | chaque jour | chaque matin | chaque soir | journalier",
            "2/day": "matin et soir | bid | le matin et le soir | matin et au coucher",
            "3/day": "matin midi et soir | matin, midi et soir | matin, midi, soir | tid "
            "| à chaque repas | avec chaque repas | aux trois repas",
            "4/day": "qid",
            "1/2 days": "un jour sur deux",
            "1/week": "hebdomadaire | toutes les semaines | chaque semaine",
            "1/month": "mensuel | mensuelle | tous les mois | chaque mois",
            "1/year": "annuel | annuelle | tous les ans | chaque année",
        }
    ),
    hints=spelled(
        {
            "1/day": "le matin | le soir | le midi | la nuit | au coucher | avant de dormir | au petit déjeuner "
            "| au déjeuner | au dîner | par jour",
            "1/week": "le dimanche | le lundi | le samedi | le vendredi | le week end | par semaine",
            "1/month": "par mois",
            "1/year": "par an",
        }
    ),
    cuff_in_centimetres=True,
    decimals_follow_unit=True,
    negations=words("pas jamais rien aucun aucune sans ni nie plus arrêté arrête arrêter arrêtez stoppé"),
    halves={"plus": words("n ne")},
    negative=words(
        """pas jamais rien aucun aucune sans ni nie nient plus non absence absent absente négatif négative
        nul nulle arrêt arrêté arrêtée arrête arrêter sevré sevrée sevrage ancien ancienne ex stoppé
        interrompu interruption suspendu cessé éviter évite refuse refus diminué diminution insomnie
        normal normale normaux normales libre libres clair claire clairs claires apyrétique afébrile
        asymptomatique indemne exclu hors contre inobservance inchangé stable difficulté impossible
        incapable rupture allergie allergies allergique intolérance indiqué zéro dénie peu rare limité limitée
        repos souple souples perte baisse trouble troubles gêne altéré régulier réguliers dispense éviction échec"""
    ),
    pleasantries=phrases(
        """pas de souci | pas de soucis | pas de problème | pas du tout | pas mal | je sais pas | ne sais
        pas | sais pas | n'hésitez pas | hésitez pas | inquiétez pas | vous inquiétez pas | pas vraiment
        | pas encore | pas grave | est-ce pas | pas de quoi | pas tout à fait | pas forcément | pas trop
        | pas envie | n'aime pas | importe pas | comprends pas | veux pas | pas obligé | pas nécessaire
        | ne sert | servirait à rien
        | pas sûr | pas sûre | oubliez pas | pas seulement | pas de panique | pourquoi pas | pas plus de
        | pas de mal | souviens pas | rappelle pas | pense pas | crois pas | sans doute | sans problème
        | sans souci | pas besoin | pas de questions | rien de grave | de rien | pas d'urgence | au plus | non
        plus | pas mieux | rien d'autre | pas bien | va pas | vois pas | pas si | de plus | en plus | ou
        pas"""
    ),
    complaints=words("peux peut pouvez peuvent pouvais arrive arrivais aide soulage marche suffit assez bien"),
    turns=words("mais parce cause car alors donc puis sauf cependant"),
    conditions=words("si sinon jusqu quand"),
    clinical=phrase(
        """doul fievr temper touss crach glair expector nause vomi diarrh constip selle sang
        saign vertig tourn evanou syncop malais engourd fourm faibl gonfl enfl oedem eruption bouton
        plaque demang grat urticair brul respir souffl essouffl sifflem poitrin thora coeur cardia
        palpit dor somm insomni fatigu appetit faim mang poids pes maigr grossi fum tabac cigar vap
        alcool drogue cannabis medic compri cachet trait pilule dose allerg oper chirurg enceint
        grossess regle convuls chut tomb bless fractur vue vision yeux entend oreill tete cephal
        migrain gorge articul genou hanch jambe bras pied chevil epaul ventr estom
        abdom urin pipi rein foie poumon thyro diabet sucr cholest tension hypertens cancer tumeur
        boule masse asthme avc infect antibio vaccin insulin aspirin ibuprof paracet doliprane
        statine cortis murmur sensib raid ecoulem frisson suee anxi angoiss depri suicid moral idees
        noires memoir confus gluten lactose sport aval nerf reflex plaie lesion toux anti hypo infarct
        appendi vesicul hospit stent pacemaker ulcer pneumon herni arthro arthri fausse menopaus contracep
        ronfl phlebit psoria eczema cesar accouch"""
    ),
    clinical_words=words("mal maux dos cou main mains nez"),
    ahead=words("dans sous ici"),
    generic=("douleur",),
    measures=words(
        """pouls fréquence tension température saturation sat poids pèse ldl hdl hba1c glycée glycémie dextro créatinine
        potassium sodium hémoglobine cholestérol triglycérides tsh crp inr psa imc score ferritine"""
    ),
    at_age=words("à vers âge"),
    family=words("mère père frère soeur maman papa parents grand-mère grand-père tante oncle"),
    habits=words("alcool vin bière bières whisky pastis fume fumez fumé tabac cigarette cigarettes"),
    weighty=words("perdu arrêt arrêté arrêtée arrête évitez éviter"),
    suppositions=words("si s sinon"),
    medicines=("médicament",),
    signs=signs(
        """
        poumon pulmonaire auscultation thorax respiratoire: sifflement crépitant râle sibilant
        coeur cardiaque cardio: souffle frottement
        abdomen ventre abdominal: défense contracture masse sensible
        nuque cou: raideur raide ganglion
        neurologique neuro: faiblesse fourmillement engourdi réflexe déficit
        gorge pharynx amygdale: pus enduit
        genou cheville épaule articulation: gonflement épanchement chaleur rougeur
        peau cutané: éruption bouton lésion
        oeil pupille: écoulement rougeur
        oreille tympan: écoulement
        apyrétique: fièvre température
        """
    ),
    denials=phrases(
        """pas que je sache | pas à ma connaissance | pas du tout | pas avant | pas d'autre | ni l'un | ni l'une
        | ah non | oh non | ben non | euh non | mais non | surtout pas | mieux vaut pas | pas pendant
        | rien | plus jamais | plus du tout"""
    ),
    troubles=words("souci soucis problème problèmes"),
    own=words("je j me m moi mon ma mes on"),
    you=words("vous votre vos tu te ton ta tes"),
    leave=phrases("je peux | puis je | peux je | dois je | je dois | je pourrai | j'ai le droit | on peut"),
    yes=words("oui ouais si voilà exactement"),
    no=words("non aucun aucune jamais rien"),
)
